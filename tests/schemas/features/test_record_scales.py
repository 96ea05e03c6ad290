"""The columns that a network gets beside those that are normalised record by record."""

from tests.numbers import numbers_spec
from tfx_sequences.schemas.features.record_scales import network_spec, read_features, record_scales
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

CHOSEN = {"sequence.wave": "per_record", "sequence.drift": "per_record", "sequence.usual": "z_score"}


def test_they_are_those_that_are_wanted_or_may_be_chosen():
    assert record_scales(numbers_spec()) == {
        f"sequence.{name}.record_scale": f"sequence.{name}" for name in ("drift", "own_robust", "tiny", "usual", "wave")
    }


def test_the_network_has_those_that_were_chosen():
    spec = network_spec(numbers_spec(), CHOSEN)
    added = set(spec.columns) - set(numbers_spec().columns)
    assert added == {f"sequence.{name}.record_scale" for name in ("wave", "drift", "own_robust")}
    assert spec.columns["sequence.drift.record_scale"].shape == (4,)
    # Once more, it changes nothing; and what it does not have, it does not read.
    assert network_spec(spec, CHOSEN) == spec
    transformed = dict.fromkeys([*numbers_spec().columns, *record_scales(numbers_spec()), "label"])
    assert set(read_features(transformed, spec)) == {*spec.columns, "label"}


def test_without_a_choice_there_are_none():
    spec = SequenceSpec(name="s", sequence={"x": {"type": "numeric"}}, label={"key": "y"})
    assert list(network_spec(spec, {}).columns) == ["sequence.x"]
    given = spec.model_copy(update={"sequence": {"x": spec.sequence["x"].model_copy(update={"normalizer": "z_score"})}})
    assert network_spec(given, {}) is given
