import numpy as np
import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.tfxio import tensor_representation_util

from tests.schemas.features.rich_spec import RICH
from tfx_sequences.errors import DataError
from tfx_sequences.schemas.features.parse_specs import make_parse_example_spec, make_parse_sequence_example_spec
from tfx_sequences.schemas.features.tfmd import make_schema, schema_text
from tfx_sequences.schemas.spec.spec_io import bundled_names, load_spec


@pytest.mark.parametrize("spec", [RICH, *map(load_spec, bundled_names())], ids=lambda s: s.name)
def test_tfx_parses_by_our_schema_as_we_do(spec):
    """What TFX's reader makes of the schema is our own parse spec, for both kinds of records."""
    theirs = tensor_representation_util.CreateTfSequenceExampleParserConfig(make_schema(spec))
    assert _comparable(theirs) == _comparable(make_parse_sequence_example_spec(spec))
    # An Example cannot have one key twice, or several values per step.
    sequence = {name: c for name, c in spec.sequence.items() if c.key not in ("clash", "genres")}
    example = spec.model_copy(update={"record": "Example", "sequence": sequence})
    schema = make_schema(example)
    types = {f.name: f.type for f in schema.feature}
    representations = schema.tensor_representation_group[""].tensor_representation
    theirs = {
        name: tensor_representation_util.CreateTfExampleParserConfig(
            r, types[r.dense_tensor.column_name or r.ragged_tensor.feature_path.step[0]]
        )
        for name, r in representations.items()
    }
    assert _comparable((theirs,)) == _comparable((make_parse_example_spec(example),))


def _comparable(specs):
    """Feature specs with the spellings that TensorFlow holds to be the same made equal."""
    plain = []
    for spec in specs:
        features = {}
        for name, feature in spec.items():
            values = feature._asdict()
            if "default_value" in values:
                default = values["default_value"]
                default = None if default is None else np.ravel(default).astype(np.str_).tolist()
                values |= {"default_value": default, "shape": tuple(values["shape"])}
            else:
                # Only the dtype of row splits differs: int64 is what Transform uses as well.
                values |= {"row_splits_dtype": None, "partitions": tuple(values["partitions"])}
            features[name] = values
        plain.append(features)
    return plain


def test_domains_and_presence_come_from_the_spec():
    schema = make_schema(RICH)
    features = {f.name: f for f in schema.feature}
    steps = {f.name: f for f in features["##SEQUENCE##"].struct_domain.feature}
    assert list(features["y"].string_domain.value) == ["a", "b"]
    assert features["place"].presence.min_fraction == 1
    # Records without a label weigh nothing.
    assert not features["y"].presence.min_fraction
    assert not features["age"].presence.min_fraction
    assert (steps["day"].int_domain.min, steps["day"].int_domain.max) == (0, 6)
    # NaN is a missing value.
    assert not steps["lpc"].float_domain.disallow_nan and steps["lpc"].float_domain.disallow_inf
    assert features["w"].float_domain.HasField("min")
    assert list(features["plan"].string_domain.value) == ["free", "paid"]
    assert not features["city"].HasField("string_domain")
    assert (features["tags"].value_count.min, features["tags"].value_count.HasField("max")) == (0, False)
    assert not steps["genres"].value_counts.value_count[1].max
    assert steps["words"].value_counts.value_count[1].max == 1


def inferred_like(spec):
    schema = make_schema(spec)
    schema.tensor_representation_group.clear()
    return schema


def test_unused_features_are_kept_where_nobody_looks_at_them():
    inferred = inferred_like(RICH)
    inferred.feature.add(name="extra", type=schema_pb2.BYTES)
    struct = next(f for f in inferred.feature if f.name == "##SEQUENCE##")
    struct.struct_domain.feature.add(name="more", type=schema_pb2.INT)
    curated = make_schema(RICH, inferred)
    text_format.Parse(schema_text(curated), schema_pb2.Schema())
    extra = next(f for f in curated.feature if f.name == "extra")
    more = [f for s in curated.feature for f in s.struct_domain.feature if f.name == "more"]
    assert extra.lifecycle_stage == more[0].lifecycle_stage == schema_pb2.DISABLED
    assert "extra" not in curated.tensor_representation_group[""].tensor_representation


@pytest.mark.parametrize(
    ("mend", "message"),
    [
        (lambda f, s: setattr(f["city"], "name", "town_city"), "no context feature 'city'"),
        (lambda f, s: setattr(s["token"], "name", "tokens"), "Did you mean 'tokens'"),
        (lambda f, s: setattr(s["lpc"], "type", schema_pb2.INT), "'lpc' is not what the spec says"),
        (lambda f, s: setattr(f["y"], "type", schema_pb2.INT), "dtype: int64"),
    ],
)
def test_what_spec_and_data_disagree_on_is_an_error(mend, message):
    inferred = inferred_like(RICH)
    features = {f.name: f for f in inferred.feature}
    mend(features, {f.name: f for f in features["##SEQUENCE##"].struct_domain.feature})
    with pytest.raises(DataError, match=message):
        make_schema(RICH, inferred)


def test_a_feature_on_the_other_side_is_told():
    inferred = inferred_like(RICH)
    inferred.feature.add(name="token", type=schema_pb2.BYTES)
    steps = next(f for f in inferred.feature if f.name == "##SEQUENCE##").struct_domain.feature
    del steps[[f.name for f in steps].index("token")]
    with pytest.raises(DataError, match="It is a context feature there"):
        make_schema(RICH, inferred)
