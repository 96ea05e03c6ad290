import pytest

from tfx_sequences.errors import SpecError
from tfx_sequences.schemas.columns.names import MISSING_INT
from tfx_sequences.schemas.features.raw_features import raw_features
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


def make(**changes):
    base = {"name": "s", "sequence": {"x": {"type": "numeric"}}, "label": {"key": "y"}}
    return SequenceSpec(**{**base, **changes})


def by_name(spec, **options):
    return {f.tensor_name: f for f in raw_features(spec, **options)}


def test_label_and_weight_are_left_out_at_serving():
    spec = make(example_weight="w", id_key="i")
    assert list(by_name(spec)) == ["i", "w", "y", "sequence.x"]
    assert list(by_name(spec, with_label=False)) == ["i", "sequence.x"]


def test_a_slice_on_the_labels_name_does_not_make_it_a_feature():
    assert "y" not in by_name(make(evaluation={"slices": ["y"]}), with_label=False)


def test_one_key_in_context_and_sequence_is_two_features():
    found = by_name(make(context={"x": {"type": "categorical"}}))
    assert (found["x"].dtype, found["sequence.x"].dtype) == ("string", "float32")


def test_defaults_say_what_is_required():
    spec = make(
        context={
            "plain": {"type": "numeric"},
            "with_default": {"type": "numeric", "default_value": 1.5},
            "term": {"type": "categorical"},
            "number": {"type": "categorical", "dtype": "int64"},
            "id": {"type": "categorical", "dtype": "int64", "num_buckets": 3},
            "id_or_0": {"type": "categorical", "dtype": "int64", "num_buckets": 3, "default_value": 0},
        }
    )
    found = by_name(spec, with_label=False)
    assert {n: f.default for n, f in found.items() if not f.is_sequence} == {
        "plain": None,
        "with_default": 1.5,
        "term": "",
        "number": MISSING_INT,
        "id": None,
        "id_or_0": MISSING_INT,
    }
    assert [n for n, f in found.items() if f.required] == ["id", "plain"]


def test_two_views_of_one_key_must_agree_on_how_it_is_stored():
    column = {"type": "numeric", "key": "k"}
    make(context={"a": column, "b": {**column, "normalizer": "none"}})
    spec = make(context={"a": column, "b": {"type": "categorical", "key": "k"}})
    with pytest.raises(SpecError, match="'k' in two ways"):
        raw_features(spec)


def test_required_by_one_view_is_required():
    column = {"type": "numeric", "key": "k"}
    for columns in (
        {"a": column, "b": {**column, "default_value": 1.0}},
        {"b": column, "a": {**column, "default_value": 1.0}},
    ):
        assert by_name(make(context=columns))["k"].required


def test_text_stands_where_its_string_is():
    spec = make(
        context={"title": {"type": "text"}},
        sequence={
            "review": {"type": "text"},
            "words": {"type": "text", "source": "sequence"},
        },
    )
    found = by_name(spec, with_label=False)
    assert {name: (f.dtype, f.default) for name, f in found.items()} == {
        "review": ("string", ""),
        "title": ("string", ""),
        "sequence.words": ("string", ""),
    }


def test_any_number_of_values_is_never_missing():
    several = {"type": "categorical", "dtype": "int64", "num_buckets": 3, "multi_valued": True}
    found = by_name(make(context={"tags": several}), with_label=False)
    assert found["tags"].multi_valued and not found["tags"].required
    with pytest.raises(SpecError, match=r"'tags' in two ways[\s\S]*shape \[\][\s\S]*any number of values"):
        raw_features(make(context={"tags": several, "tag": {**several, "key": "tags", "multi_valued": False}}))
