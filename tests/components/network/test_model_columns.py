from tests.everything import everything_spec
from tfx_sequences.components.network.model_columns import model_columns
from tfx_sequences.schemas.columns.column import CategoricalColumn, NumericColumn
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

NUM_IDS = {name: 9 + index for index, (name, c) in enumerate(everything_spec().columns.items()) if c.type != "numeric"}


def test_numbers_are_normalised_already_and_all_else_is_ids():
    spec = everything_spec()
    columns = {c.key: c for c in model_columns(spec, {**NUM_IDS, "sequence.brand": 9, "context.home_brand": 9})}
    assert list(columns) == list(spec.columns)
    for name, column in columns.items():
        declared = spec.columns[name]
        assert column.is_sequence == declared.is_sequence
        if isinstance(declared, NumericColumn):
            assert (column.normalizer, column.dtype, column.shape) == ("none", "float32", declared.shape)
        else:
            assert isinstance(column, CategoricalColumn)
            assert column.multi_valued == declared.has_several_ids
            assert column.is_indicator == declared.is_indicator
            assert column.embedding == declared.embedding


def test_columns_of_one_table_have_as_many_ids_as_the_larger_needs():
    shared = {"type": "categorical", "vocabulary_list": ("a", "b"), "embedding": {"table": "t"}}
    spec = SequenceSpec(
        name="s",
        context={"far": {**shared, "default_value": 7, "num_oov_buckets": 1}},
        sequence={"near": {**shared, "default_value": 0}},
        label={"key": "y"},
    )
    columns = model_columns(spec, {"context.far": 8, "sequence.near": 2})
    assert [c.num_buckets for c in columns] == [8, 8]
