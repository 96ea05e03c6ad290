"""A small spec with a search over parameters."""

from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


def make(**parameters):
    """The spec with a search over parameters, whose names have `__` for a dot."""
    return SequenceSpec(
        name="s",
        sequence={"x": {"type": "numeric"}},
        label={"key": "y"},
        tuning={"parameters": {name.replace("__", "."): value for name, value in parameters.items()}},
    )
