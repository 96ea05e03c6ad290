import pytest

from tfx_sequences.errors import SpecError
from tfx_sequences.schemas.columns.base import declared
from tfx_sequences.schemas.columns.image_column import ImageColumn
from tfx_sequences.schemas.features.raw_features import raw_features
from tfx_sequences.schemas.features.transformed_features import make_parse_transformed_spec
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec
from tfx_sequences.schemas.spec.spec_io import spec_from_yaml, spec_to_yaml


def test_a_spec_with_images_survives_yaml_and_reads_one_string_per_step():
    image = {"type": "image", "height": 4, "width": 5, "encoding": "png"}
    spec = SequenceSpec(name="s", sequence={"x": image}, context={"c": image}, label={"key": "y"})
    assert spec_from_yaml(spec_to_yaml(spec)) == spec
    assert [(f.tensor_name, f.dtype, f.shape) for f in raw_features(spec, with_label=False)] == [
        ("c", "string", ()),
        ("sequence.x", "string", ()),
    ]
    assert {n: f.dtype.name for n, f in make_parse_transformed_spec(spec, with_label=False).items()} == {
        "context.c": "string",
        "sequence.x": "string",
        "sequence_length": "int64",
    }


@pytest.mark.parametrize("fields", [{"channels": 2}, {"encoding": "gif"}, {"filters": ()}, {"height": 0}])
def test_what_no_image_can_be_is_refused(fields):
    with pytest.raises(SpecError):
        declared(ImageColumn, key="x", **{"height": 2, "width": 2, **fields})
