from tfx_sequences.schemas.columns.internal_names import file_name
from tfx_sequences.schemas.features.computed_vocabularies import computed_vocabularies
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


def spec_of(**columns):
    return SequenceSpec(name="s", sequence=columns, label={"key": "y"})


def test_only_what_is_computed_has_one():
    spec = spec_of(
        a={"type": "categorical"},
        b={"type": "categorical", "vocabulary_list": ("x",)},
        c={"type": "numeric"},
        d={"type": "text"},
        e={"type": "text", "split": "bytes"},
        f={"type": "bucketized", "boundaries": (1.0,)},
    )
    assert computed_vocabularies(spec) == {
        "vocabulary_sequence_a": ["sequence.a"],
        "vocabulary_sequence_d": ["sequence.d"],
    }


def test_an_indicator_shares_nothing_and_a_table_of_one_column_is_its_own():
    embedded = {"type": "categorical", "embedding": {"table": "user/item"}}
    assert computed_vocabularies(spec_of(a=embedded)) == {"vocabulary_sequence_a": ["sequence.a"]}
    spec = spec_of(a=embedded, b=embedded, c={"type": "categorical", "indicator": True})
    assert computed_vocabularies(spec) == {
        f"vocabulary_of_table_{file_name('user/item')}": ["sequence.a", "sequence.b"],
        "vocabulary_sequence_c": ["sequence.c"],
    }
