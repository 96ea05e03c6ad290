"""Features of a schema, whichever of its ways a schema uses to describe them."""

import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from tfx_sequences.schemas.proposal.schema_features import SchemaFeature, schema_features

STRUCT = 'feature { name: "##SEQUENCE##" type: STRUCT struct_domain { %s } }'


def read(text):
    return schema_features(text_format.Parse(text, schema_pb2.Schema()))


def feature_of(words, *, nested=False, rest=""):
    text = f'feature {{ name: "x" {words} }}'
    # An empty struct makes the records SequenceExamples.
    found = read(f"{STRUCT % text if nested else text + STRUCT % ''} {rest}")
    return found.features[0] if found.features else found.left_out[0]


def test_the_struct_tells_the_type_of_the_records():
    assert read('feature { name: "x" type: INT }').record == "Example"
    assert read(STRUCT % "").record == "SequenceExample"


def test_features_come_context_first_and_in_the_order_of_their_keys():
    inner = 'feature { name: "b" type: FLOAT } feature { name: "a" type: FLOAT }'
    text = f'{STRUCT % inner} feature {{ name: "z" type: BYTES }}'
    assert [(f.key, f.is_sequence) for f in read(text).features] == [("z", False), ("a", True), ("b", True)]


@pytest.mark.parametrize(
    ("words", "shape"),
    [
        ("type: FLOAT", ()),
        ("type: FLOAT shape { dim { size: 1 } }", ()),
        ("type: FLOAT shape { dim { size: 2 } dim { size: 3 } }", (2, 3)),
        ("type: FLOAT value_count { min: 1 max: 1 }", ()),
        ("type: FLOAT value_count { max: 1 }", ()),
        ("type: FLOAT value_count { min: 4 max: 4 }", (4,)),
        ("type: FLOAT value_count { min: 1 max: 4 }", None),
        ("type: FLOAT value_count { min: 1 }", None),
    ],
)
def test_counts_and_shapes_of_the_record(words, shape):
    assert feature_of(words).shape == shape


@pytest.mark.parametrize(
    ("counts", "shape"),
    [
        ("", ()),
        ("value_count { min: 7 max: 29 }", ()),
        ("shape { dim { size: 9 } dim { size: 3 } }", (3,)),
        ("shape { dim { size: 9 } dim { size: 1 } }", ()),
        ("value_counts { value_count { } value_count { min: 4 max: 4 } }", (4,)),
        ("value_counts { value_count { } value_count { max: 4 } }", (4,)),
        ("value_counts { value_count { } value_count { min: 1 max: 4 } }", None),
        ("value_counts { value_count { } value_count { max: 1 } }", ()),
    ],
)
def test_counts_and_shapes_of_steps(counts, shape):
    assert feature_of(f"type: FLOAT {counts}", nested=True).shape == shape


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ('type: BYTES string_domain { value: "b" value: "" value: "a" value: "b" }', {"terms": ("b", "a")}),
        ('type: BYTES domain: "colors"', {"terms": ("red", "blue")}),
        ('type: BYTES string_domain { value: "__BYTES_VALUE__" value: "a" }', {"terms": None}),
        ('type: INT string_domain { value: "7" value: "-5" }', {"terms": ("7", "-5")}),
        ('type: INT string_domain { value: "07" }', {"terms": None}),
        ('type: BYTES bool_domain { false_value: "no" true_value: "yes" }', {"terms": ("no", "yes")}),
        ("type: INT bool_domain { }", {"id_range": (0, 1), "is_categorical": True}),
        ("type: INT int_domain { min: -1 max: 9 }", {"id_range": (-1, 9), "is_categorical": None, "min_value": -1}),
        ("type: INT int_domain { is_categorical: false }", {"id_range": None, "is_categorical": False}),
        ('type: INT domain: "days"', {"id_range": (1, 7), "min_value": 1}),
        ("type: FLOAT float_domain { min: 0.5 }", {"min_value": 0.5, "id_range": None}),
        ("type: BYTES natural_language_domain { }", {"is_text": True}),
        ("type: FLOAT presence { min_fraction: 1 }", {"is_optional": False}),
        ("type: FLOAT presence { min_count: 1 }", {"is_optional": True}),
        ("type: FLOAT value_count { max: 1 } presence { min_fraction: 1 }", {"is_optional": True}),
        ('type: FLOAT not_in_environment: "SERVING"', {"is_for_training_only": True}),
    ],
)
def test_domains_and_presence(words, expected):
    rest = 'string_domain { name: "colors" value: "red" value: "" value: "blue" }'
    rest += ' int_domain { name: "days" min: 1 max: 7 }'
    feature = feature_of(words, rest=rest)
    assert {name: getattr(feature, name) for name in expected} == expected


@pytest.mark.parametrize("nested", [True, False])
@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("type: STRUCT", "its type is STRUCT, which columns cannot read"),
        ("", "its type is TYPE_UNKNOWN, which columns cannot read"),
        ("type: FLOAT deprecated: true", "the schema marks it DEPRECATED"),
        ("type: FLOAT lifecycle_stage: PLANNED", "the schema marks it PLANNED"),
        ("type: BYTES image_domain { }", "it contains images, which columns cannot read"),
        ("type: BYTES presence { min_count: 0 }", "no record has a value for it, so its type is unknown"),
        ("type: FLOAT value_counts { value_count { } value_count { } value_count { } }", "nested lists"),
    ],
)
def test_features_without_a_column_are_left_out_with_the_reason(words, reason, nested):
    note = feature_of(words, nested=nested)
    assert note.about == ("sequence.x" if nested else "x")
    assert reason in note.text


def test_the_parts_of_a_sparse_feature_are_left_out():
    parts = 'feature { name: "i" type: INT } feature { name: "v" type: FLOAT }'
    found = read(f'{parts} sparse_feature {{ name: "p" index_feature {{ name: "i" }} value_feature {{ name: "v" }} }}')
    assert found.features == ()
    assert [note.about for note in found.left_out] == ["i", "p", "v"]
    assert found.left_out[0].text == "it is a part of the sparse feature 'p'"


def test_representations_say_shape_default_and_steps():
    found = read("""
        feature { name: "place" type: FLOAT } feature { name: "city" type: BYTES } feature { name: "steps" type: FLOAT }
        feature { name: "far" type: FLOAT }
        tensor_representation_group { key: "" value {
          tensor_representation { key: "place" value { dense_tensor { column_name: "place"
            shape { dim { size: 2 } } default_value { float_value: 1.5 } } } }
          tensor_representation { key: "city" value { dense_tensor { column_name: "city" shape { }
            default_value { bytes_value: "Oslo" } } } }
          tensor_representation { key: "other" value { ragged_tensor { feature_path { step: "steps" }
            partition { uniform_row_length: 4 } } } }
          tensor_representation { key: "far" value { ragged_tensor { feature_path { step: "far" }
            partition { row_length: "lengths" } } } } } }
    """)
    by_key = {feature.key: feature for feature in found.features}
    assert (by_key["place"].shape, by_key["place"].default, by_key["place"].is_represented) == ((2,), 1.5, True)
    assert (by_key["city"].shape, by_key["city"].default) == ((), "Oslo")
    assert (by_key["steps"].shape, by_key["steps"].is_sequence) == ((4,), True)
    assert [note.text for note in found.left_out] == ["its representation has row lengths in a separate feature"]


@pytest.mark.parametrize(("shape", "expected"), [((), True), ((1, 1), True), ((2,), False), (None, False)])
def test_an_array_of_one_value_is_a_scalar(shape, expected):
    assert SchemaFeature("x", True, "float32", shape).is_scalar == expected
