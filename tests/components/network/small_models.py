"""A small spec of a context and a sequence with a class per record, and its statistics."""

from tfx_sequences.components.network.task_statistics import HeadStatistics, TaskStatistics
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

IDS = {"sequence.token": 6, "context.city": 3}
CLASSES = TaskStatistics(IDS, {"label": HeadStatistics(("a", "b", "c"), targets=30)})


def make_spec(**model):
    """The spec with these options of the network."""
    return SequenceSpec(
        name="s",
        context={"age": {"type": "numeric"}, "city": {"type": "categorical"}},
        sequence={"x": {"type": "numeric", "shape": (2,)}, "token": {"type": "categorical"}},
        label={"key": "y"},
        model=model,
    )
