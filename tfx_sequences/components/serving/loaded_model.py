"""An exported model, loaded for predictions and checked against its card and, optionally, a spec."""

from __future__ import annotations

import contextlib
import functools
import os
import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from google.protobuf.message import DecodeError

from tfx_sequences.components.records.elwc import as_sequence_example, is_example_list
from tfx_sequences.components.records.paths import AnyPath
from tfx_sequences.components.records.well_formed import fault_of, parse_errors
from tfx_sequences.components.serving.grouped_calls import GroupedCalls, merged, rows_of
from tfx_sequences.components.serving.model_card import Card, check_model, find_model, read_card, spec_of_card
from tfx_sequences.components.serving.model_files import damaged
from tfx_sequences.components.serving.names import (
    ELWC_SIGNATURE,
    EXAMPLE_SIGNATURE,
    EXAMPLES,
    SERVING_SIGNATURE,
    TENSOR_SIGNATURE,
)
from tfx_sequences.components.serving.padded_memory import PaddedMemory
from tfx_sequences.components.serving.record_sizes import Sizes, number_of_values
from tfx_sequences.components.serving.request_rows import Rows
from tfx_sequences.components.serving.requests import make_tensors, serialize_rows
from tfx_sequences.errors import DataError, UserInputError, did_you_mean, shortened
from tfx_sequences.schemas.features.raw_features import key_of_items
from tfx_sequences.schemas.features.request_inputs import request_inputs
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

if TYPE_CHECKING:
    from tfx_sequences.components.rows.frames import Frames
    from tfx_sequences.components.serving.row_prediction import RowPredictions
    from tfx_sequences.components.serving.window_joining import Join

RecordType = Literal["SequenceExample", "Example", "ExampleListWithContext"]

_FOR_RECORDS = (SERVING_SIGNATURE, EXAMPLE_SIGNATURE, ELWC_SIGNATURE)


class RefusedInput(ValueError):
    """The graph rejects a value, or cannot parse a record.

    Attributes:
        reason: TensorFlow's message, without its lines about the graph.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@contextlib.contextmanager
def refusals() -> Iterator[None]:
    """Raises TensorFlow's errors about a value or a record as `RefusedInput`."""
    try:
        yield
    except parse_errors() as error:
        raise RefusedInput(_without_graph(getattr(error, "message", str(error)))) from error


def load_model(path: str | os.PathLike[str], *, spec: SequenceSpec | None = None) -> LoadedModel:
    """Loads a model that a run exported.

    Args:
        path: Its folder, a folder of versions (the newest is used), or the output folder of a run; local, or a URI
            that TensorFlow reads.
        spec: The spec to use the model with; None uses the spec that it was trained with.

    Raises:
        UserInputError: There is no model, or its card belongs to another model.
        SpecError: The model was trained with a spec that reads or labels records differently; the message names the
            features.
    """
    folder = find_model(path)
    card = read_card(folder)
    if spec is not None:
        check_model(card, spec, model=f"the model in {folder}")
    return LoadedModel(folder, card)


class LoadedModel:
    """A SavedModel with its card; `load_model` creates one.

    Methods import TensorFlow only where they use it, so that the command line starts quickly.

    Attributes:
        folder: The model's folder.
        card: See `make_card`.
        spec: The spec it was trained with.
        version: The name of its folder if that is a number, otherwise 1.
        signatures: TensorFlow's signatures, by name.
        calls: How many rows the model takes in one call.
    """

    def __init__(self, folder: AnyPath, card: Card) -> None:
        import tensorflow as tf

        self.folder = folder
        self.card = card
        self.spec = spec_of_card(card, folder)
        self.version = int(folder.name) if folder.name.isdigit() else 1
        try:
            self.signatures: Mapping[str, Any] = tf.saved_model.load(str(folder)).signatures
            # Unlike `tf.train.load_checkpoint`, it does not ask `ram://` whether the prefix is a folder; that says yes.
            reader = tf.compat.v1.train.NewCheckpointReader(str(folder / "variables" / "variables"))
            variables = reader.get_variable_to_shape_map()
        # What TensorFlow raises depends on what is wrong with the files.
        except Exception as error:
            raise damaged(folder, error) from error
        outputs = {name: its.structured_outputs for name, its in self.signatures.items()}
        self.calls = GroupedCalls(PaddedMemory(self.spec, variables.values(), outputs))

    def predict(self, rows: Rows, *, signature_name: str = SERVING_SIGNATURE) -> dict[str, np.ndarray]:
        """The outputs of a signature for plain rows, by name; see `serialize_rows`.

        Raises:
            DataError: A row is invalid; the message names the row and the feature.
            UserInputError: The signature does not exist.
        """
        self.signature(signature_name)
        if signature_name == TENSOR_SIGNATURE:
            return self.run(signature_name, make_tensors(rows, self.spec))
        if signature_name == ELWC_SIGNATURE:
            raise UserInputError(
                f"The signature '{ELWC_SIGNATURE}' does not take rows.",
                expected=f"a signature of rows: {SERVING_SIGNATURE} or {TENSOR_SIGNATURE}",
                received=f"'{ELWC_SIGNATURE}'",
                fix="Use one of these; the answers are the same.",
            )
        kind = "Example" if signature_name == EXAMPLE_SIGNATURE else None
        return self.run(signature_name, {EXAMPLES: np.array(serialize_rows(rows, self.spec, kind=kind), object)})

    def predict_rows(self, rows: Frames, *, join: Join | None = None) -> RowPredictions:
        """The answers for rows of tables: grouped, sorted and cut into records as in training.

        Args:
            rows: See `records_from_rows`. Labels, weights and ids are not read.
            join: One answer for all windows of a session (or of a group), and for each step that is in several of them:
                the `mean` or the `max` of the scores or numbers, or the shares of a `vote`. None: each window has its
                own.

        Raises:
            SpecError: The model was not trained with a spec that has `rows`.
            UserInputError: The answers cannot be joined in this way.
            DataError: More rows than `rows.max_rejected` cannot be used, or a column is missing.
        """
        from tfx_sequences.components.serving.row_prediction import predict_rows

        return predict_rows(self.run, self.spec, rows, join)

    def run(self, signature_name: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The outputs of a signature for its inputs, by name; strings are objects of bytes.

        Raises:
            DataError: The graph rejects a value, or a record cannot be parsed.
            UserInputError: The signature does not exist.
        """
        import tensorflow as tf

        specs = self.inputs_of(signature_name)
        if EXAMPLES in inputs:
            self._check_records(inputs[EXAMPLES], signature_name)
        try:
            return self.call(signature_name, {name: tf.constant(x, specs[name].dtype) for name, x in inputs.items()})
        except RefusedInput as error:
            raise DataError(
                "The model rejected this input.",
                expected=self._expected(signature_name),
                received=error.reason,
                fix="Correct the value. Row numbers in the message start at 0.",
            ) from error

    def call(self, signature_name: str, inputs: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """The same for tensors, without a check of each record: for many records at a time.

        Rows that do not fit into memory together are predicted in groups of similar length.

        Raises:
            RefusedInput: The graph rejects a value, or a record cannot be parsed.
            UserInputError: The signature does not exist.
        """
        signature = self.signature(signature_name)
        groups: list[np.ndarray] | list[None] = [None]
        if self.is_grouped(signature_name):
            groups = self.calls.groups(inputs, self._parser(signature_name), flat=self._is_flat(signature_name))
        outputs = []
        for rows in groups:
            try:
                with refusals():
                    its = signature(**rows_of(inputs, rows))
                    outputs.append({name: value.numpy() for name, value in its.items()})
            except RefusedInput as error:
                if rows is None:
                    raise
                counted = f"{error.reason} (row numbers count the rows {shortened(rows.tolist())})"
                raise RefusedInput(counted) from error
        return merged(groups, outputs)

    def sizes_of(self, signature_name: str, inputs: Mapping[str, Any]) -> Sizes | None:
        """Sizes of the rows of a request; None if the inputs do not have the same number of rows."""
        return self.calls.sizes_of(inputs, self._parser(signature_name), flat=self._is_flat(signature_name))

    def signature(self, name: str) -> Any:
        """The signature with this name.

        Raises:
            UserInputError: The signature does not exist.
        """
        if name not in self.signatures:
            why = self.card.get("left_out", {}).get(name)
            raise UserInputError(
                f"The model has no signature '{name}'.",
                expected=f"one of {shortened(sorted(self.signatures))}",
                received=f"'{name}'" + (f", which is not available for this spec: {why}" if why else ""),
                fix=f"Use one of these.{did_you_mean(name, self.signatures)}",
            )
        return self.signatures[name]

    def inputs_of(self, signature_name: str) -> dict[str, Any]:
        """The `tf.TensorSpec` of each input of a signature, by name."""
        return dict(self.signature(signature_name).structured_input_signature[1])

    def kind_of(self, signature_name: str) -> RecordType:
        """The type of records that a signature takes: `SequenceExample`, `Example` or `ExampleListWithContext`."""
        kinds: dict[str, RecordType] = {EXAMPLE_SIGNATURE: "Example", ELWC_SIGNATURE: "ExampleListWithContext"}
        return kinds.get(signature_name, self.spec.payload)

    def steps_of(self, records: np.ndarray, signature_name: str) -> Iterator[int]:
        """Number of steps of each record, from its longest feature; -1 if it is not a record."""
        parse, flat = self._parser(signature_name), self._is_flat(signature_name)
        inputs = [given.feature for given in request_inputs(self.spec).values() if given.feature.is_sequence]
        for record in np.ravel(records):
            try:
                message = parse(record)
            except (DecodeError, ValueError):
                yield -1
                continue
            if not flat:
                yield max((len(its.feature) for its in message.feature_lists.feature_list.values()), default=0)
                continue
            features = message.features.feature
            yield max((number_of_values(features[f.key]) // f.size for f in inputs if f.key in features), default=0)

    def is_grouped(self, signature_name: str) -> bool:
        """Whether rows are predicted in groups; outputs of other signatures depend on how the batch is padded."""
        return signature_name in (*_FOR_RECORDS, TENSOR_SIGNATURE)

    def answer_fits(self, signature_name: str, inputs: Mapping[str, Any]) -> bool:
        """Whether the answer for these rows fits into memory."""
        parse = self._parser(signature_name)
        return self.calls.answer_fits(signature_name, inputs, parse, flat=self._is_flat(signature_name))

    def _is_flat(self, signature_name: str) -> bool:
        return self.kind_of(signature_name) == "Example"

    def _parser(self, signature_name: str) -> Callable[[bytes], Any]:
        import tensorflow as tf

        if self._is_flat(signature_name):
            return tf.train.Example.FromString
        return functools.partial(_sequence_example, items_key=key_of_items(self.spec))

    def _expected(self, signature_name: str) -> str:
        if signature_name == TENSOR_SIGNATURE:
            return f"padded tensors of the features of the spec '{self.spec.name}'"
        kind = self.kind_of(signature_name)
        name = kind if kind == "ExampleListWithContext" else f"tf.{kind}"
        return f"serialized {name} with the features of the spec '{self.spec.name}'"

    def _check_records(self, records: np.ndarray, signature_name: str) -> None:
        """Raises for the first invalid record, with its row; the graph's message would not name the row."""
        import tensorflow as tf

        kind = self.kind_of(signature_name)
        parse = tf.train.Example.FromString if kind == "Example" else _sequence_example
        fix = "Send the result of SerializeToString(); in JSON, encode it in base64."
        for row, record in enumerate(np.ravel(records)):
            try:
                message = parse(record)
            except (DecodeError, ValueError) as error:
                raise DataError(
                    f"Row {row} is not a record.",
                    expected=self._expected(signature_name),
                    received=f"{len(record)} bytes that are not a protocol buffer of that type: {record[:20]!r}",
                    fix=fix,
                ) from error
            # Parsed as the other type, a record has no features, or cannot be parsed.
            other = _other_kind(record, message, kind)
            if other:
                raise DataError(
                    f"Row {row} is a record of another type.",
                    expected=self._expected(signature_name),
                    received=f"a serialized {other}",
                    fix=f"Convert it to {kind}." + self._signature_for(other),
                )
            fault = None if kind == "ExampleListWithContext" else fault_of(record, self.spec, kind)
            if fault is not None:
                raise DataError(f"Row {row} {fault.what}.", expected=fault.expected, received=fault.received, fix=fix)

    def _signature_for(self, kind: str) -> str:
        """Names the signatures that take records of a type; empty without such a signature."""
        fitting = (name for name in self.signatures if name in _FOR_RECORDS and self.kind_of(name) == kind)
        return "".join(f" The signature '{name}' takes {kind}." for name in sorted(fitting))


def _other_kind(record: bytes, message: Any, kind: str) -> str | None:
    """The type of a record that is not the expected one; None if it is, or has no features that show its type."""
    is_list = is_example_list(record)
    if is_list and kind != "ExampleListWithContext":
        return "ExampleListWithContext"
    if is_list is False and kind == "ExampleListWithContext":
        return "SequenceExample" if message.feature_lists.feature_list else "Example"
    return None


def _sequence_example(record: bytes, items_key: str = "") -> Any:
    """The parsed record; an ExampleListWithContext as the SequenceExample that it stands for."""
    import tensorflow as tf

    return tf.train.SequenceExample.FromString(as_sequence_example(record, items_key))


def _without_graph(message: str) -> str:
    """TensorFlow's message, without its lines about the graph.

    >>> _without_graph("Graph execution error:\\n\\nassertion failed: [Not \\\\'x\\\\':] [3]\\n\\t [[{{node a}}]]")
    "Not 'x': 3"
    """
    graph = ("Graph execution error", "Detected at node", "<stack traces", "[[")
    lines = (line.strip() for line in message.splitlines())
    said = " ".join(line for line in lines if line and not line.startswith(graph))
    said = said.removeprefix("Name: <unknown>, ").replace("\\'", "'")
    said = re.sub(r"^assertion failed: \[(.*)\]$", r"\1", said)
    return said.replace("] [", " ")
