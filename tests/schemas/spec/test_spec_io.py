import json
import subprocess
import sys

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tfx_sequences.errors import SpecError
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec
from tfx_sequences.schemas.spec.spec_io import (
    TRANSFORM_SECTIONS,
    bundled_names,
    fingerprint,
    json_schema,
    load_spec,
    spec_from_json,
    spec_from_yaml,
    spec_to_json,
    spec_to_yaml,
)

SMALL = """\
name: small
sequence:
  lpc: {type: numeric, shape: [12]}
label: {key: speaker}
"""


@pytest.mark.parametrize("name", bundled_names())
def test_bundled_specs_round_trip_and_are_short(name):
    spec = load_spec(name)
    assert spec == load_spec(f"{name}.yaml")
    assert spec_from_yaml(spec_to_yaml(spec)) == spec
    assert spec_from_json(spec_to_json(spec)) == spec
    assert len(spec_to_yaml(spec).splitlines()) <= 16


names = st.text("abcdefgh", min_size=1, max_size=6)
numeric = st.fixed_dictionaries(
    {"type": st.just("numeric")},
    optional={
        "shape": st.lists(st.integers(1, 4), max_size=2),
        "dtype": st.sampled_from(["float32", "int64"]),
        "default_value": st.integers(-5, 5).map(float),
        "normalizer": st.sampled_from(["auto", "z_score", "min_max", "robust", "quantile", "log1p", "none"]),
        "clip": st.none() | st.floats(0.1, 10),
    },
)
categorical = st.fixed_dictionaries(
    {"type": st.just("categorical")},
    optional={"num_oov_buckets": st.integers(0, 3), "lowercase": st.booleans(), "default_value": st.integers(0, 9)},
)
columns = st.dictionaries(names, numeric | categorical, min_size=1, max_size=4)


@given(
    sequence=columns,
    context=columns,
    classes=st.none() | st.lists(st.text(max_size=5), min_size=2, max_size=4, unique=True),
    units=st.lists(st.integers(1, 9), min_size=1, max_size=3),
)
def test_any_spec_round_trips_with_its_fingerprint(sequence, context, classes, units):
    data = {"name": "any", "sequence": sequence, "label": {"key": "_label", "classes": classes}}
    spec = SequenceSpec(**data, context=context, model={"units": units})
    again = spec_from_yaml(spec_to_yaml(spec))
    assert again == spec
    assert fingerprint(again) == fingerprint(spec)


def test_fingerprint_is_stable_between_processes_and_orders():
    spec = spec_from_yaml(SMALL)
    reordered = spec_from_yaml(
        "\n".join(reversed(SMALL.replace(":\n  lpc:", ": {lpc:").replace("]}", "]}}").split("\n")))
    )
    assert fingerprint(reordered) == fingerprint(spec)
    code = f"from tfx_sequences.schemas.spec.spec_io import *; print(fingerprint(spec_from_yaml({SMALL!r})))"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == fingerprint(spec)


def test_fingerprint_changes_with_what_matters_only():
    base = fingerprint(spec_from_yaml(SMALL))
    assert fingerprint(spec_from_yaml(SMALL + "description: words\n")) == base
    assert fingerprint(spec_from_yaml(SMALL + "training: {epochs: 3}\n")) != base
    edited = spec_from_yaml(SMALL + "training: {epochs: 3}\n")
    assert fingerprint(edited, TRANSFORM_SECTIONS) == fingerprint(spec_from_yaml(SMALL), TRANSFORM_SECTIONS)


def test_fingerprint_follows_the_vocabulary_files_content(tmp_path):
    (tmp_path / "terms.txt").write_text("a\nb\n")
    file = tmp_path / "spec.yaml"
    file.write_text("name: v\nsequence: {t: {type: categorical, vocabulary_file: terms.txt}}\nlabel: {key: y}\n")
    before = fingerprint(load_spec(file))
    (tmp_path / "terms.txt").write_text("a\nc\n")
    assert fingerprint(load_spec(file)) != before


def test_a_stage_is_given_its_own_sections_only():
    text = spec_to_json(spec_from_yaml(SMALL + "training: {epochs: 3}\n"), TRANSFORM_SECTIONS)
    assert "epochs" not in text
    # Without the sections that decide it, a column says itself which steps it is normalised by.
    [(name, column)] = spec_from_yaml(SMALL).sequence.items()
    assert spec_from_json(text).sequence == {name: column.model_copy(update={"causal": False})}


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (SMALL.replace("shape", "shpe"), ["line 3: sequence.lpc: Unknown key 'shpe'. Did you mean 'shape'?"]),
        (SMALL + "trainig: {epochs: 3}\n", ["line 5: the spec: Unknown key 'trainig'. Did you mean 'training'?"]),
        (
            SMALL.replace("numeric", "numerical"),
            ["line 3: sequence.lpc: unknown type 'numerical'. Did you mean 'numeric'?"],
        ),
        (SMALL.replace("type: numeric, ", ""), ["line 3: sequence.lpc: needs a 'type'"]),
        (SMALL.replace("label: {key: speaker}\n", ""), ["the spec: needs a `label`, or `labels` by name"]),
        (SMALL.replace("[12]", "[0]"), ["line 3: sequence.lpc.shape.0: Input should be greater than 0 (received 0)"]),
        (
            SMALL.replace("speaker}", "speaker, classes: [yes, no]}"),
            ["line 4: label.classes.0: Input should be a valid string (received True)"],
        ),
        (
            SMALL + "training:\n  epochs: many\n  seed: 1.5\n",
            ["line 6: training.epochs: Input should be a valid integer", "line 7: training.seed"],
        ),
        ("- 1\n", ["is not a spec"]),
        ("name: [", ["is not YAML", "line 1"]),
        ("", ["is not a spec"]),
    ],
)
def test_errors_name_line_key_and_closest_key(text, lines):
    with pytest.raises(SpecError) as caught:
        spec_from_yaml(text, where="my.yaml")
    assert "my.yaml" in str(caught.value)
    for line in lines:
        assert line in str(caught.value)


def test_no_such_spec_suggests_the_closest_bundled_one(tmp_path):
    with pytest.raises(SpecError, match="Did you mean 'japanese_vowels'"):
        load_spec("japanese_vowel")
    with pytest.raises(SpecError, match="No such spec"):
        load_spec(tmp_path / "spec.yaml")


def test_no_such_vocabulary_file_names_the_column(tmp_path):
    file = tmp_path / "spec.yaml"
    file.write_text("name: v\nsequence: {t: {type: categorical, vocabulary_file: no.txt}}\nlabel: {key: y}\n")
    with pytest.raises(SpecError, match=r"sequence\.t: no such vocabulary file"):
        load_spec(file)


def test_json_schema_accepts_the_bundled_specs_and_refuses_typos():
    jsonschema = pytest.importorskip("jsonschema")
    schema = json_schema()
    json.dumps(schema)
    for name in bundled_names():
        jsonschema.validate(yaml.safe_load(spec_to_yaml(load_spec(name))), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**yaml.safe_load(SMALL), "trainig": {}}, schema)


def test_the_rarer_line_breaks_of_unicode_survive_in_yaml():
    terms = ("a\u2028b", "\x85", "c\u2029", "d\ne", "é")
    column = {"type": "categorical", "vocabulary_list": terms}
    spec = SequenceSpec(name="breaks", sequence={"k\u2028": column}, label={"key": "y"})
    assert spec_from_yaml(spec_to_yaml(spec)) == spec
    assert "é" in spec_to_yaml(spec)
