"""Loads the weights of tf_keras feature layers into ours."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from tfx_sequences.components.features.sequence_features import ContextFeatures, SequenceFeatures
from tfx_sequences.errors import UserInputError, did_you_mean, shortened
from tfx_sequences.schemas.columns.column import IdColumn
from tfx_sequences.schemas.columns.internal_names import internal_name

# The variable's name in tf_keras and estimators, inside the scope of an embedding_column.
_VARIABLE = "/embedding_weights"
# The suffix of names in TensorFlow 2 checkpoints, which also replace "/" in the name by ".S".
_IN_CHECKPOINT = "/.ATTRIBUTES/VARIABLE_VALUE"


def load_sequence_features_weights(layer: SequenceFeatures | ContextFeatures, weights_of: Any) -> None:
    """Copies the embedding tables of an existing layer into a feature layer.

    With columns from `from_feature_columns`, the layer then gives the same output as the layer
    that the weights come from.

    Args:
        layer: The layer; all its tables are assigned, including those of its context
            columns and those it shares with other layers.
        weights_of: The source of the weights, one of

            - a layer that has been called, or whose weights have been loaded:
              `tf_keras.experimental.SequenceFeatures`, `tf_keras.layers.DenseFeatures`;
            - a list of such layers, or of their variables;
            - a dict from names to arrays `[num_ids, D]`. A name is that of a table, such as
              `watches_embedding`; or that of a variable, such as
              `sequence_features/watches_embedding/embedding_weights:0`; or the variable's name in a
              checkpoint of TensorFlow 1 or 2.

    Raises:
        UserInputError: Tables are missing, left over or given twice, or have a different
            shape; the layer is then unchanged.

    >>> import numpy as np
    >>> from tfx_sequences import embedding_column, sequence_categorical_column_with_identity
    >>> watches = sequence_categorical_column_with_identity("watches", num_buckets=3)
    >>> layer = SequenceFeatures([embedding_column(watches, dimension=2)])
    >>> load_sequence_features_weights(layer, {"watches_embedding": np.eye(3, 2)})
    >>> sequence_input, _ = layer({"watches": np.array([[0, 1]])}, sequence_length=np.array([2]))
    >>> print(sequence_input.numpy())
    [[[1. 0.]
      [0. 1.]]]
    """
    if not isinstance(layer, SequenceFeatures | ContextFeatures):
        raise UserInputError(
            "Weights can only be loaded into feature layers.",
            expected="tfx_sequences.SequenceFeatures or ContextFeatures",
            received=f"{type(layer).__module__}.{type(layer).__name__}",
            fix="Pass the layer first, and the source of the weights second.",
        )
    tables = _tables_of(layer)
    found: dict[str, tuple[str, np.ndarray]] = {}
    left_over: list[str] = []
    for name, value in _named_arrays(weights_of):
        table = _table_called(name, tables)
        if table is None:
            left_over.append(name)
        elif table in found:
            raise UserInputError(
                f"The embedding table '{table}' was given twice.",
                expected="one array per table",
                received=f"'{found[table][0]}' and '{name}'",
                fix=f"Remove one of them, or pass a dict from the names of the tables: {shortened(tables)}.",
            )
        else:
            found[table] = (name, value)
    missing = [table for table in tables if table not in found]
    if missing or left_over:
        raise _unmatched(layer, tables, missing, left_over)
    for table, (name, value) in found.items():
        _check_shape(layer, table, name, value)
    for table, (_, value) in found.items():
        layer.tables.weights_of(table).assign(value)


def _tables_of(layer: SequenceFeatures | ContextFeatures) -> list[str]:
    context = getattr(layer, "context", None)
    columns = [*layer.columns, *(context.columns if context else ())]
    embedded = [c for c in columns if isinstance(c, IdColumn) and not c.is_indicator]
    return list(dict.fromkeys(layer.tables.table_of(column) for column in embedded))


def _named_arrays(weights_of: Any) -> Iterable[tuple[str, np.ndarray]]:
    if isinstance(weights_of, Mapping):
        for name, value in weights_of.items():
            yield str(name), _array(str(name), value)
    elif hasattr(weights_of, "weights"):
        if not weights_of.built:
            raise UserInputError(
                f"The layer '{weights_of.name}' has no weights yet.",
                expected="a layer that has been called",
                received="a layer that is not built",
                fix="Call it on a batch of features first, or load its weights.",
            )
        for variable in weights_of.weights:
            yield from _named_arrays(variable)
    elif hasattr(weights_of, "name") and hasattr(weights_of, "shape"):
        name = getattr(weights_of, "path", None) or weights_of.name
        yield name, _array(name, weights_of)
    # Variables are iterable too, or claim to be; they were handled above.
    elif isinstance(weights_of, Iterable) and not isinstance(weights_of, str | np.ndarray):
        for one in weights_of:
            yield from _named_arrays(one)
    else:
        raise UserInputError(
            "Weights cannot be read from this object.",
            expected="a tf_keras layer, variables, or a dict from names to arrays",
            received=f"{type(weights_of).__module__}.{type(weights_of).__name__}",
        )


def _array(name: str, value: Any) -> np.ndarray:
    try:
        array = np.asarray(value)
    except (NotImplementedError, TypeError, ValueError) as error:
        raise UserInputError(
            f"The values of '{name}' cannot be read: {error}",
            expected="arrays, or variables that have values",
            received=f"{type(value).__module__}.{type(value).__name__}",
            fix="In a TensorFlow 1 graph, pass the result of session.run(variable).",
        ) from error
    if array.dtype.kind not in "fiu" and array.dtype.name != "bfloat16":
        raise UserInputError(
            f"The values of '{name}' are not numbers.", expected="an array [num_ids, D]", received=str(array.dtype)
        )
    return array


def _table_called(name: str, tables: list[str]) -> str | None:
    """The table for a variable's name: the longest table name that equals the name or its last parts."""
    spelled = re.sub(r":\d+$", "", name)
    if spelled.endswith(_IN_CHECKPOINT):
        spelled = spelled.removesuffix(_IN_CHECKPOINT).replace(".S", "/")
    spelled = spelled.removesuffix(_VARIABLE)
    ends = [t for t in tables if any(spelled == s or spelled.endswith(f"/{s}") for s in _spellings(t))]
    return max(ends, key=len, default=None)


def _spellings(table: str) -> tuple[str, ...]:
    """The table's name, and its forms in tf_keras scopes and in our own variables."""
    return table, re.sub(r"[^A-Za-z0-9_.\-]", "_", table), table.replace("/", "_"), internal_name(table)


def _unmatched(layer: Any, tables: list[str], missing: list[str], left_over: list[str]) -> UserInputError:
    given = f"no weights for {shortened(missing)}" if missing else ""
    if left_over:
        given += (" but " if given else "") + f"{shortened(left_over)}, which are not names of tables"
    hint = did_you_mean(missing[0], left_over) if missing else ""
    if left_over:
        fix = "Pass only the feature layers' weights (for a model, pass its layers)."
    else:
        fix = (
            "Pass the other layer's weights too, in a list; pass tables of shared_embeddings, which tf_keras does not "
        )
        fix += "list among a layer's weights, as a dict."
    return UserInputError(
        f"The weights do not match the embedding tables of '{layer.name}'.",
        expected=shortened(tables) or "no weights: no column has an embedding",
        received=given,
        fix=fix + hint,
    )


def _check_shape(layer: Any, table: str, name: str, value: np.ndarray) -> None:
    shape = (layer.tables.num_ids_of(table), layer.tables.width_of(table))
    if value.shape != shape:
        raise UserInputError(
            f"The weights of the embedding table '{table}' have a wrong shape.",
            expected=f"{shape}: ids and dimension of its columns",
            received=f"{value.shape} in '{name}'",
            fix="Declare the columns as in the training of the weights: vocabulary, buckets, dimension.",
        )
