import pytest
import tensorflow_transform as tft

from tfx_sequences.errors import SpecError
from tfx_sequences.schemas.columns.feature_columns import sequence_numeric_column
from tfx_sequences.schemas.features.parse_specs import make_parse_example_spec


def comparable(spec):
    return {
        name: {k: list(v) if isinstance(v, tuple | list) else v for k, v in feature._asdict().items()}
        for name, feature in spec.items()
    }


def test_it_is_what_tft_says_of_its_own_records(everything):
    theirs = tft.TFTransformOutput(everything.transform_dir).transformed_feature_spec()
    assert comparable(make_parse_example_spec(everything.spec, transformed=True)) == comparable(theirs)


def test_label_and_weight_can_be_left_out(everything):
    parsed = make_parse_example_spec(everything.spec, transformed=True, with_label=False)
    assert not {"label", "example_weight"} & set(parsed)
    assert "sequence_length" in parsed


def test_columns_alone_have_no_transformed_records():
    with pytest.raises(SpecError, match="Only a whole spec"):
        make_parse_example_spec([sequence_numeric_column("x")], transformed=True)
