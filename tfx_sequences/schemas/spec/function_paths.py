"""The user's own functions that a spec names."""

from __future__ import annotations

from tfx_sequences.own_functions import load_function
from tfx_sequences.schemas.kinds.losses_and_measures import is_path
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


def function_paths(spec: SequenceSpec) -> dict[str, str]:
    """Paths of the functions, by the field of the spec that has them."""
    found = {} if spec.model.builder is None else {"model.builder": spec.model.builder}
    for name, label in spec.heads.items():
        where = "label" if spec.label is not None else f"labels.{name}"
        if label.loss is not None and is_path(label.loss):
            found[f"{where}.loss"] = label.loss
        found |= {f"{where}.own_measures.{measure}": path for measure, path in label.own_measures.items()}
    return found


def function_modules(spec: SequenceSpec) -> tuple[str, ...]:
    """The modules of the functions, after a check that each function can be imported.

    Raises:
        SpecError: A module or function does not exist.
    """
    paths = function_paths(spec)
    for field, path in paths.items():
        load_function(path, field)
    return tuple(sorted({path.rpartition(".")[0] for path in paths.values()}))
