"""The masks of columns with an `indicator`, as features of transformed records."""

from tfx_sequences.schemas.columns.column import NumericColumn
from tfx_sequences.schemas.features.observed_masks import observed_masks, with_observed_masks
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

SPEC = SequenceSpec(
    name="s",
    context={"age": {"type": "numeric", "indicator": True}, "size": {"type": "numeric"}},
    sequence={"vitals": {"type": "numeric", "shape": (2, 3), "indicator": True}, "token": {"type": "categorical"}},
    label={"key": "died"},
)


def test_a_mask_is_an_array_of_numbers_that_are_not_normalized():
    spec = with_observed_masks(SPEC)
    assert list(spec.context) == ["age", "size", "age.observed"]
    assert list(spec.sequence) == ["vitals", "token", "vitals.observed"]
    mask = {"type": "numeric", "normalizer": "none"}
    assert spec.context["age.observed"] == NumericColumn(key="age.observed", shape=(1,), **mask)
    assert spec.sequence["vitals.observed"] == NumericColumn(
        key="vitals.observed", is_sequence=True, shape=(6,), **mask
    )


def test_the_mask_is_a_column_of_its_own_and_no_longer_declared_at_the_numbers():
    spec = with_observed_masks(SPEC)
    assert observed_masks(SPEC) == {
        "context.age.observed": "context.age",
        "sequence.vitals.observed": "sequence.vitals",
    }
    assert observed_masks(spec) == {}
    assert with_observed_masks(spec) is spec
