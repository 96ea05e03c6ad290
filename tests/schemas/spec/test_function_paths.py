import pytest

from tfx_sequences.errors import SpecError
from tfx_sequences.schemas.spec.function_paths import function_modules, function_paths
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


def spec_with(**changes):
    labels = {
        "far": {"key": "far", "type": "regression", "loss": "math.hypot", "own_measures": {"near": "cmath.phase"}},
        "kind": {"key": "kind", "loss": "focal"},
    }
    given = {"name": "s", "sequence": {"x": {"type": "numeric"}}, "labels": labels, "model": {"builder": "json.dumps"}}
    return SequenceSpec.model_validate(given | changes)


def test_each_function_has_the_field_that_names_it():
    assert function_paths(spec_with()) == {
        "model.builder": "json.dumps",
        "labels.far.loss": "math.hypot",
        "labels.far.own_measures.near": "cmath.phase",
    }
    assert function_modules(spec_with()) == ("cmath", "json", "math")


def test_the_field_of_a_function_that_does_not_exist_is_named():
    label = {"key": "far", "type": "regression", "own_measures": {"near": "math.hypott"}}
    with pytest.raises(SpecError, match=r"label\.own_measures\.near: math has no 'hypott'"):
        function_modules(spec_with(labels={}, label=label))
