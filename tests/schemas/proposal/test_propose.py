import os
import subprocess
import sys

import pytest
from google.protobuf import text_format
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tensorflow_metadata.proto.v0 import schema_pb2

from tests.everything import everything_spec
from tests.schemas.features.rich_spec import RICH
from tfx_sequences.errors import DataError, SpecError
from tfx_sequences.schemas.features.parse_specs import make_parse_example_spec, make_parse_sequence_example_spec
from tfx_sequences.schemas.features.tfmd import make_schema, schema_text
from tfx_sequences.schemas.proposal.propose import propose_spec
from tfx_sequences.schemas.spec.label import Label
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec
from tfx_sequences.schemas.spec.spec_io import bundled_names, load_spec, spec_from_yaml

STEPS = 'feature { name: "##SEQUENCE##" type: STRUCT struct_domain { %s } }'
PRICE = 'feature { name: "price" type: FLOAT }'
COUNTS = "value_counts {{ value_count {{ min: 1 }} value_count {{ min: {} max: {} }} }}"
LABEL = 'feature { name: "label" type: BYTES value_count { min: 1 max: 1 } presence { min_fraction: 1.0 } }'


def proposed_again(spec):
    roles = {"label": spec.label.key, "example_weight": spec.example_weight, "id_key": spec.id_key}
    return propose_spec(make_schema(spec), **roles, name=spec.name)


def assert_same_parse_specs(spec, other):
    assert other.record == spec.record
    make = make_parse_example_spec if spec.record == "Example" else make_parse_sequence_example_spec
    for with_label in (True, False):
        assert make(other, with_label=with_label) == make(spec, with_label=with_label)


def without_relations(spec):
    """Without columns that read another feature too, which a schema of features does not say."""
    sections = {
        section: {
            name: column
            for name, column in getattr(spec, section).items()
            if not any(getattr(column, field, None) for field in ("weighted_by", "timestamps"))
            and not hasattr(getattr(column, "normalizer", None), "z_score_by")
        }
        for section in ("context", "sequence")
    }
    return spec.model_copy(update=sections)


def as_examples(spec):
    taken = {c.key for c in spec.context.values()} | {spec.label.key}
    sequence = {
        name: c
        for name, c in spec.sequence.items()
        if not getattr(c, "multi_valued", False) and (c.key not in taken or c.type == "text")
    }
    return spec.model_copy(update={"record": "Example", "sequence": sequence})


def curated(steps=PRICE, *, context=LABEL, rest=""):
    return f"{context}\n{STEPS % steps if steps else ''}\n{rest}"


@pytest.mark.parametrize(
    "spec", [without_relations(everything_spec()), RICH, *map(load_spec, bundled_names())], ids=lambda s: s.name
)
@pytest.mark.parametrize("record", ["SequenceExample", "Example"])
def test_the_schema_of_a_spec_gives_its_parse_specs_again(spec, record):
    spec = spec if record == "SequenceExample" else as_examples(spec)
    proposal = proposed_again(spec)
    assert_same_parse_specs(spec, proposal.spec)
    assert proposal.left_out == ()
    assert proposal.spec.name == spec.name


SECTIONS = without_relations(everything_spec())
COLUMNS = [
    *((f"context.{name}", column) for name, column in SECTIONS.context.items()),
    *((f"sequence.{name}", column) for name, column in SECTIONS.sequence.items()),
]


@pytest.mark.parametrize(("name", "column"), COLUMNS, ids=[name for name, _ in COLUMNS])
def test_every_kind_of_column_comes_back_alone(name, column):
    fields = {"context": {"c": column}, "sequence": {"lpc": {"type": "numeric"}}}
    spec = SequenceSpec(name="one", label={"key": "y"}, **(fields if name < "s" else {"sequence": {"c": column}}))
    assert_same_parse_specs(spec, proposed_again(spec).spec)


numbers = st.floats(allow_nan=False, allow_infinity=False, width=32)
shapes = st.lists(st.integers(1, 4), max_size=2).map(tuple)
terms = st.lists(st.text(max_size=4), min_size=1, max_size=4, unique=True)


@st.composite
def columns(draw, in_sequence, in_example):
    kinds = ["numeric", "int", "bucketized", "string", "identity", "int_terms", "text"]
    kind = draw(st.sampled_from(kinds))
    if kind in ("numeric", "bucketized"):
        more = {"boundaries": (0.0, 1.5)} if kind == "bucketized" else {}
        return {"type": kind, "shape": draw(shapes), "default_value": draw(st.none() | numbers), **more}
    if kind == "int":
        default = draw(st.none() | st.integers(-9, 2**40).map(float))
        return {"type": "numeric", "shape": draw(shapes), "dtype": "int64", "default_value": default}
    if kind == "text":
        source = {"source": draw(st.sampled_from(["context", "sequence"]))} if in_sequence else {}
        return {"type": "text", "split": draw(st.sampled_from(["whitespace", "bytes"])), **source}
    several = {"multi_valued": draw(st.booleans())} if not (in_sequence and in_example) else {}
    if kind == "identity":
        size = draw(st.integers(1, 2**40))
        default = draw(st.none() | st.sampled_from([-1, 0]))
        ids = {"dtype": "int64", "num_buckets": size, "default_value": default}
    elif kind == "int_terms":
        ids = draw(
            st.sampled_from(
                [
                    {"dtype": "int64"},
                    {"dtype": "int64", "hash_bucket_size": 7},
                    {"dtype": "int64", "vocabulary_list": (3, 1), "num_oov_buckets": 0},
                ]
            )
        )
    else:
        some = draw(terms)
        ids = draw(
            st.sampled_from(
                [
                    {"vocabulary": {"top_k": 5}},
                    {"hash_bucket_size": 3},
                    {"vocabulary_list": some, "num_oov_buckets": draw(st.integers(0, 2))},
                ]
            )
        )
    return {"type": "categorical", **ids, **several}


@st.composite
def specs(draw):
    record = draw(st.sampled_from(["SequenceExample", "Example"]))
    in_example = record == "Example"
    keys = draw(st.lists(st.text("abcé .#:'\n", min_size=1, max_size=5), min_size=2, max_size=7, unique=True))
    split = draw(st.integers(1, len(keys)))
    sequence = {key: draw(columns(True, in_example)) for key in keys[:split]}
    context = {key: draw(columns(False, in_example)) for key in keys[split:]}
    if not in_example and draw(st.booleans()):
        context[keys[0]] = draw(columns(False, in_example))
    steps_only = [c for c in sequence.values() if c["type"] != "text" or c["source"] == "sequence"]
    # A schema of Examples does not tell lists of the record from lists of steps where there are none of the latter.
    assume(steps_only or not in_example or not any(c.get("multi_valued") for c in context.values()))
    # One key, one feature: a text of tokens reads the context's.
    assume(not any(k in context for k, c in sequence.items() if c["type"] == "text" and c["source"] == "context"))
    label = draw(
        st.sampled_from(
            [
                {"key": "kind"},
                {"key": "kind", "classes": ("u", "v")},
                {"key": "kind", "dtype": "int64"},
                {"key": "kind", "classes": (1, 2)},
                {"key": "kind", "type": "regression"},
                {"key": "kind", "type": "regression", "dtype": "int64"},
            ]
        )
    )
    roles = {"example_weight": draw(st.sampled_from([None, "w"])), "id_key": draw(st.sampled_from([None, "name"]))}
    return SequenceSpec(name="any", record=record, context=context, sequence=sequence, label=label, **roles)


@settings(max_examples=400)
@given(specs())
def test_any_spec_is_proposed_again_with_its_parse_specs_and_label(spec):
    proposal = proposed_again(spec)
    assert_same_parse_specs(spec, proposal.spec)
    assert proposal.left_out == ()
    assert (proposal.spec.label.type, proposal.spec.label.dtype) == (spec.label.type, spec.label.dtype)
    assert spec_from_yaml(proposal.to_yaml()) == proposal.spec


def test_the_schema_is_taken_as_message_text_or_path(tmp_path):
    schema = make_schema(RICH)
    (tmp_path / "schema.pbtxt").write_text(schema_text(schema), "utf-8")
    expected = propose_spec(schema, label="y")
    assert propose_spec(schema_text(schema), label="y") == expected
    assert propose_spec(tmp_path / "schema.pbtxt", label="y") == expected
    assert propose_spec(str(tmp_path / "schema.pbtxt"), label="y") == expected


@pytest.mark.parametrize(
    ("feature", "expected"),
    [
        ('type: BYTES string_domain { value: "b" value: "a" }', {"vocabulary_list": ("b", "a")}),
        ('type: BYTES domain: "colors"', {"vocabulary_list": ("red", "blue")}),
        ('type: BYTES bool_domain { false_value: "no" true_value: "yes" }', {"vocabulary_list": ("no", "yes")}),
        ('type: BYTES string_domain { value: "" }', {"vocabulary_list": None}),
        ('type: BYTES string_domain { value: "__BYTES_VALUE__" value: "a" }', {"vocabulary_list": None}),
        ("type: BYTES natural_language_domain { }", {"type": "text"}),
        ("type: INT int_domain { is_categorical: true }", {"type": "categorical", "dtype": "int64"}),
        ("type: INT int_domain { min: 1 max: 9 is_categorical: true }", {"num_buckets": 10}),
        ("type: INT int_domain { min: -1 max: 9 is_categorical: true }", {"num_buckets": None, "type": "categorical"}),
        ("type: INT int_domain { min: 0 max: 9 }", {"type": "numeric", "dtype": "int64"}),
        ("type: INT bool_domain { }", {"num_buckets": 2}),
        ('type: INT string_domain { value: "7" value: "-5" }', {"vocabulary_list": (7, -5)}),
        ('type: INT string_domain { value: "07" }', {"type": "numeric"}),
        ("type: FLOAT bool_domain { }", {"type": "numeric", "dtype": "float32"}),
    ],
)
def test_domains_say_what_a_column_is(feature, expected):
    rest = 'string_domain { name: "colors" value: "red" value: "" value: "blue" }'
    for nested in (True, False):
        mine = f'feature {{ name: "x" {feature} presence {{ min_fraction: 1.0 }} value_count {{ min: 1 max: 1 }} }}'
        text = curated(mine, rest=rest) if nested else curated(context=LABEL + mine, rest=rest)
        spec = propose_spec(text).spec
        column = spec.sequence["x"] if nested else spec.context["x"]
        assert {name: getattr(column, name, None) for name in expected} == expected


def test_a_long_domain_becomes_a_computed_vocabulary():
    values = " ".join(f'value: "{i}"' for i in range(1_001))
    proposal = propose_spec(curated(f'feature {{ name: "x" type: BYTES string_domain {{ {values} }} }}'))
    assert proposal.spec.sequence["x"].vocabulary is not None
    assert any("1001 terms" in note.text for note in proposal.notes)


@pytest.mark.parametrize(
    ("counts", "kind", "expected"),
    [
        ("value_counts { value_count { min: 2 } value_count { min: 4 max: 4 } }", "FLOAT", {"shape": (4,)}),
        ("value_counts { value_count { min: 2 } value_count { max: 4 } }", "INT", {"shape": (4,)}),
        ("value_counts { value_count { } value_count { min: 1 max: 1 } }", "FLOAT", {"shape": ()}),
        ("value_counts { value_count { } value_count { max: 1 } }", "BYTES", {"multi_valued": False}),
        ("value_counts { value_count { } value_count { min: 1 } }", "BYTES", {"multi_valued": True}),
        ("value_counts { value_count { } value_count { min: 3 max: 3 } }", "BYTES", {"multi_valued": True}),
        ("value_counts { value_count { } value_count { min: 1 } }", "INT", {"multi_valued": True, "dtype": "int64"}),
        ("value_count { min: 7 max: 29 }", "FLOAT", {"shape": ()}),
        ("", "BYTES", {"multi_valued": False}),
    ],
)
def test_counts_say_the_shape_of_a_step(counts, kind, expected):
    column = propose_spec(curated(f'feature {{ name: "x" type: {kind} {counts} }}')).spec.sequence["x"]
    assert {name: getattr(column, name, None) for name in expected} == expected


@pytest.mark.parametrize(
    ("feature", "expected"),
    [
        ("type: FLOAT shape { dim { size: 1 } } presence { min_fraction: 1 }", {"shape": (), "default_value": None}),
        ("type: FLOAT shape { } presence { min_fraction: 1 }", {"shape": ()}),
        ("type: FLOAT shape { dim { size: 2 } dim { size: 3 } } presence { min_fraction: 1 }", {"shape": (2, 3)}),
        ("type: FLOAT value_count { min: 1 max: 1 } presence { min_fraction: 1 }", {"shape": ()}),
        ("type: FLOAT value_count { min: 2 max: 2 } presence { min_count: 1 }", {"shape": (2,), "default_value": 0.0}),
        ("type: INT value_count { max: 1 } presence { min_fraction: 1 }", {"shape": (), "default_value": 0.0}),
        ("type: BYTES value_count { min: 1 }", {"multi_valued": True}),
        ("type: BYTES shape { dim { size: 3 } }", {"multi_valued": True}),
        ("type: INT int_domain { min: 0 max: 3 is_categorical: true } value_count { max: 1 }", {"default_value": -1}),
    ],
)
def test_shape_and_presence_say_what_a_context_feature_is(feature, expected):
    spec = propose_spec(curated(context=f'{LABEL} feature {{ name: "x" {feature} }}')).spec
    assert {name: getattr(spec.context["x"], name, None) for name in expected} == expected


def test_representations_say_shape_and_default():
    text = """
        feature { name: "label" type: INT } feature { name: "place" type: FLOAT } feature { name: "day" type: INT
        int_domain { min: 0 max: 6 is_categorical: true } } feature { name: "tags" type: BYTES }
        feature { name: "steps" type: FLOAT } feature { name: "ids" type: INT }
        tensor_representation_group { key: "" value {
          tensor_representation { key: "label" value { dense_tensor { column_name: "label" shape { } } } }
          tensor_representation { key: "place" value { dense_tensor { column_name: "place"
            shape { dim { size: 2 } } default_value { float_value: 1.5 } } } }
          tensor_representation { key: "day" value { dense_tensor { column_name: "day" shape { }
            default_value { int_value: 3 } } } }
          tensor_representation { key: "tags" value { varlen_sparse_tensor { column_name: "tags" } } }
          tensor_representation { key: "other_name" value { ragged_tensor { feature_path { step: "steps" }
            partition { uniform_row_length: 4 } } } }
          tensor_representation { key: "ids" value { ragged_tensor { feature_path { step: "ids" } } } } } }
    """
    proposal = propose_spec(text)
    spec = proposal.spec
    assert (spec.record, sorted(spec.sequence), sorted(spec.context)) == (
        "Example",
        ["ids", "steps", "tags"],
        ["day", "place"],
    )
    assert (spec.context["place"].shape, spec.context["place"].default_value) == ((2,), 1.5)
    assert (spec.context["day"].num_buckets, spec.context["day"].default_value) == (7, 3)
    assert spec.sequence["steps"].shape == (4,)
    assert proposal.left_out == ()


def test_lists_of_varying_length_are_the_steps_of_an_example():
    text = """
        feature { name: "target" type: INT value_count { min: 1 max: 1 } presence { min_fraction: 1 } }
        feature { name: "place" type: FLOAT shape { dim { size: 2 } } presence { min_fraction: 1 } }
        feature { name: "price" type: FLOAT value_count { min: 1 } }
        feature { name: "token" type: BYTES value_count { min: 1 max: 30 } }
        feature { name: "seen" type: INT }
    """
    proposal = propose_spec(text)
    assert proposal.spec.record == "Example"
    assert sorted(proposal.spec.sequence) == ["price", "seen", "token"]
    assert proposal.spec.context["place"].shape == (2,)
    assert any(note.about == "record" for note in proposal.notes)


def test_lists_of_one_fixed_length_are_the_steps_where_no_length_varies():
    lists = "".join(
        f'feature {{ name: "{name}" type: FLOAT shape {{ dim {{ size: {size} }} }} presence {{ min_fraction: 1 }} }}'
        for name, size in (("a", 9), ("b", 9), ("c", 1))
    )
    spec = propose_spec(LABEL + lists).spec
    assert (sorted(spec.sequence), sorted(spec.context)) == (["a", "b"], ["c"])
    assert spec.sequence["a"].shape == ()


def test_the_tokens_of_a_text_are_the_steps_where_there_is_no_other():
    context = LABEL + "".join(f'feature {{ name: "{name}" type: BYTES shape {{ }} }}' for name in ("id", "review"))
    proposal = propose_spec(f"{context} {STEPS % ''}")
    assert proposal.spec.sequence["review"].type == "text"
    assert proposal.spec.id_key == "id"
    assert any(note.about == "sequence.review" for note in proposal.notes)


@pytest.mark.parametrize(
    ("kind", "column"),
    [
        ("type: BYTES", {"type": "categorical", "dtype": "string"}),
        ("type: INT", {"type": "categorical", "dtype": "int64"}),
        ("type: FLOAT", {"type": "numeric", "dtype": "float32", "shape": ()}),
    ],
)
def test_a_label_that_alone_has_steps_is_predicted_from_the_steps_before(kind, column):
    counts = "value_counts { value_count { min: 1 } value_count { min: 1 max: 1 } }"
    proposal = propose_spec(STEPS % f'feature {{ name: "page" {kind} {counts} }}', label="page")
    spec = proposal.spec
    assert (spec.label.key, spec.label.shift, spec.model.bidirectional) == ("page", 1, False)
    assert {field: getattr(spec.sequence["page"], field) for field in column} == column
    assert any("from the steps before" in note.text for note in proposal.notes)


UNUSABLE = {
    "grid": "type: FLOAT value_counts { value_count { } value_count { min: 1 max: 5 } }",
    "lists": "type: FLOAT value_counts { value_count { } value_count { } value_count { } }",
    "nested": "type: STRUCT",
    "unknown": "",
    "old": "type: FLOAT deprecated: true",
    "off": "type: FLOAT lifecycle_stage: DISABLED",
    "plan": "type: FLOAT lifecycle_stage: PLANNED",
    "picture": "type: BYTES image_domain { }",
    "": "type: FLOAT",
}


def test_what_cannot_be_placed_is_reported_and_never_dropped_silently():
    steps = PRICE + "".join(f'feature {{ name: "{key}" {words} }}' for key, words in UNUSABLE.items())
    numbers = 'feature { name: "numbers" type: FLOAT value_count { min: 1 } }'
    numbers += 'feature { name: "i" type: INT } feature { name: "v" type: FLOAT }'
    rest = 'sparse_feature { name: "pair" index_feature { name: "i" } value_feature { name: "v" } }'
    proposal = propose_spec(curated(steps, context=LABEL + numbers, rest=rest))
    told = {note.about: note.text for note in proposal.left_out}
    assert set(told) == {f"sequence.{key}" for key in UNUSABLE} | {"numbers", "i", "v", "pair"}
    assert "fixed shape" in told["numbers"]
    assert "sparse feature 'pair'" in told["i"]
    assert "STRUCT" in told["sequence.nested"]
    assert "DISABLED" in told["sequence.off"]
    assert list(proposal.spec.sequence) == ["price"]
    text = proposal.to_yaml()
    assert all(f"#   {about}: " in text for about in told)


@pytest.mark.parametrize("record", ["SequenceExample", "Example"])
def test_no_feature_of_a_schema_is_lost(record):
    """Each is in the spec, or among those left out, whatever it is like."""
    types = ["BYTES", "INT", "FLOAT", "STRUCT", "TYPE_UNKNOWN"]
    counts = ["", "shape { }", "shape { dim { size: -1 } }", "value_count { min: 1 }", "value_count { min: 2 max: 2 }"]
    counts += ["value_counts { value_count { } value_count { } }", "presence { min_count: 0 }", "deprecated: true"]
    domains = ["", "bool_domain { }", "int_domain { min: 0 max: 1 is_categorical: true }", "url_domain { }"]
    features = {
        f"f{i}": f"type: {kind} {count} {domain}"
        for i, (kind, count, domain) in enumerate((k, c, d) for k in types for c in counts for d in domains)
    }
    text = "".join(f'feature {{ name: "{key}" {words} }}' for key, words in features.items())
    text = curated(text) if record == "SequenceExample" else LABEL + text
    proposal = propose_spec(text)
    placed = {column.key for column in proposal.spec.columns.values()} | {proposal.spec.id_key}
    left_out = {note.about.removeprefix("sequence.") for note in proposal.left_out}
    assert placed & left_out == set()
    assert (placed | left_out) - {None} == set(features)


def context_of(*names, kind="BYTES", more=""):
    return "".join(f'feature {{ name: "{name}" type: {kind} shape {{ }} {more} }}' for name in names)


@pytest.mark.parametrize(
    ("context", "label"),
    [
        (context_of("a", "label", "b"), "label"),
        (context_of("Target", "my_class"), "Target"),
        (context_of("a", "is_label"), "is_label"),
        (context_of("a") + context_of("b", more='not_in_environment: "SERVING"'), "b"),
    ],
)
def test_the_label_is_guessed_where_one_feature_alone_can_be_it(context, label):
    proposal = propose_spec(curated(context=context))
    assert proposal.spec.label.key == label
    assert any(note.about == "label" and "guessed" in note.text for note in proposal.notes)


@pytest.mark.parametrize(
    ("context", "candidates"),
    [
        (context_of("a", "b"), "'a', 'b'"),
        (context_of("piece_id"), "'piece_id'"),
        (context_of("label", "target", "other"), "'label', 'target'"),
        (context_of("my_class", "is_label", "other"), "'my_class', 'is_label'|'is_label', 'my_class'"),
    ],
)
def test_a_label_that_is_not_told_is_an_error_with_the_candidates(context, candidates):
    with pytest.raises(SpecError, match=rf"cannot be guessed[\s\S]*({candidates})"):
        propose_spec(curated(context=context))


@pytest.mark.parametrize(
    ("roles", "message"),
    [
        ({"label": "lable"}, r"does not have[\s\S]*Did you mean 'label'"),
        ({"label": "names"}, r"a string feature with shape \[2\]"),
        ({"id_key": "price"}, "a sequence feature"),
        ({"label": "old"}, "marks it DEPRECATED"),
        ({"example_weight": "label"}, r"cannot be the weight[\s\S]*one float: 'w'"),
        ({"id_key": "w"}, r"cannot be the records' id[\s\S]*one string: 'label'"),
        ({"label": "w", "example_weight": "w"}, "given two roles"),
        ({"label": "label", "name": "1 x"}, "Invalid SequenceSpec: name"),
    ],
)
def test_keys_that_cannot_play_their_role_are_errors_that_list_those_that_can(roles, message):
    context = LABEL + context_of("w", kind="FLOAT") + context_of("old", more="deprecated: true")
    context += 'feature { name: "names" type: BYTES shape { dim { size: 2 } } }'
    with pytest.raises(SpecError, match=message):
        propose_spec(curated(context=context), **roles)


@pytest.mark.parametrize(
    ("feature", "expected"),
    [
        ("type: FLOAT", ("regression", "float32", None)),
        ("type: INT", ("classification", "int64", None)),
        ("type: INT int_domain { is_categorical: false }", ("regression", "int64", None)),
        ("type: INT int_domain { min: 1 max: 3 is_categorical: true }", ("classification", "int64", (1, 2, 3))),
        ("type: INT bool_domain { }", ("classification", "int64", (0, 1))),
        ('type: BYTES string_domain { value: "a" value: "b" }', ("classification", "string", ("a", "b"))),
        ('type: BYTES string_domain { value: "a" }', ("classification", "string", None)),
    ],
)
def test_type_and_domain_say_what_kind_of_label_it_is(feature, expected):
    label = propose_spec(curated(context=f'feature {{ name: "label" shape {{ }} {feature} }}')).spec.label
    assert (label.type, label.dtype, label.classes) == expected


@pytest.mark.parametrize(
    ("where", "feature", "expected"),
    [
        ("steps", "type: BYTES value_count { min: 1 max: 1 }", {"dtype": "string", "per_step": True}),
        ("steps", "type: FLOAT value_count { min: 1 max: 1 }", {"type": "regression", "per_step": True}),
        ("steps", f"type: FLOAT {COUNTS.format(3, 3)}", {"type": "regression", "shape": (3,), "per_step": True}),
        ("steps", f"type: BYTES {COUNTS.format(1, 3)}", {"type": "multi_label", "per_step": True}),
        ("context", "type: BYTES value_count { min: 0 }", {"type": "multi_label"}),
    ],
)
def test_a_named_label_may_be_of_steps_a_vector_or_several_terms(where, feature, expected):
    feature = f'feature {{ name: "told" {feature} }}'
    schema = curated(PRICE + feature, context="") if where == "steps" else curated(context=feature)
    spec = propose_spec(schema, label="told").spec
    assert spec.label == Label(key="told", **expected)
    assert list(spec.sequence) == ["price"]


def test_a_label_of_the_context_comes_before_one_of_the_steps_of_its_key():
    spec = propose_spec(curated(PRICE + 'feature { name: "label" type: BYTES }'), label="label").spec
    assert not spec.label.per_step
    assert set(spec.sequence) == {"price", "label"}


def test_weight_and_id_are_guessed_by_their_names_only():
    more = context_of("sample_weight", "weight", kind="FLOAT") + context_of("record_id", "city_id")
    spec = propose_spec(curated(context=LABEL + more)).spec
    assert (spec.example_weight, spec.id_key, sorted(spec.context)) == (
        "sample_weight",
        "record_id",
        ["city_id", "weight"],
    )
    spec = propose_spec(curated(context=LABEL + context_of("city_id", "user_id"))).spec
    assert spec.id_key is None


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ("feature { nme: 'x' }", r"is not the text of[\s\S]*1:11"),
        ("no/such/schema.pbtxt", "cannot be read: No such file"),
        ("\n", "has no features"),
        (7, "This is not a schema"),
        (LABEL + context_of("a", kind="FLOAT"), "no feature whose values could be the steps"),
        (curated('feature { name: "x" type: STRUCT }'), r"could be the steps[\s\S]*sequence.x: its type is STRUCT"),
    ],
)
def test_what_is_no_schema_of_sequences_is_an_error(schema, message):
    with pytest.raises(DataError, match=message):
        propose_spec(schema, label="label" if isinstance(schema, str) and "label" in schema else None)


def test_a_proposal_is_a_file_with_its_notes_as_comments():
    proposal = propose_spec(curated('feature { name: "count" type: INT } feature { name: "off" type: STRUCT }'))
    text = proposal.to_yaml(origin="schema.pbtxt")
    lines = text.splitlines()
    assert lines[0].startswith("# Proposed from schema.pbtxt.")
    assert "#   sequence.off: its type is STRUCT, which columns cannot read." in lines
    count = next(i for i, line in enumerate(lines) if line.startswith("  count:"))
    assert lines[count - 1].startswith("  # ")
    assert "# Guessed: by its name." in lines
    assert spec_from_yaml(text) == proposal.spec


def test_it_needs_neither_tensorflow_nor_tfx_and_says_what_is_missing():
    program = (
        "import sys\nsys.modules['tensorflow'] = sys.modules['tfx'] = sys.modules['apache_beam'] = None\n"
        "from tfx_sequences import propose_spec\n"
        f"print(propose_spec('''{curated()}''').spec.label.key)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=dict(os.environ))
    assert (done.returncode, done.stdout) == (0, "label\n"), done.stderr
    for name in ("propose_spec", "make_schema"):
        program = (
            "import importlib.util as u\nreal = u.find_spec\n"
            "u.find_spec = lambda name, *rest: None if name == 'tensorflow_metadata' else real(name, *rest)\n"
            f"from tfx_sequences import {name}"
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
        assert done.returncode == 1
        assert "EnvironmentNotSupportedError: tensorflow_metadata is not installed" in done.stderr
        assert "tfx-sequences[tfx]" in done.stderr


def test_the_message_is_not_changed():
    schema = make_schema(RICH)
    before = text_format.MessageToString(schema)
    propose_spec(schema, label="y")
    assert text_format.MessageToString(schema) == before
    assert isinstance(schema, schema_pb2.Schema)


def test_integers_with_the_name_of_ids_are_terms():
    spec = propose_spec(curated(context=LABEL + context_of("store_id", "floor", kind="INT"))).spec
    columns = {key: (column.type, column.dtype) for key, column in spec.context.items()}
    assert columns == {"store_id": ("categorical", "int64"), "floor": ("numeric", "int64")}


def test_a_label_by_the_last_part_of_its_key_is_suggested():
    with pytest.raises(SpecError, match="Did you mean 'clip/mood'"):
        propose_spec(curated(context=context_of("clip/mood", "age")), label="mood")
