"""YAML text that a spec may not be: keys twice, aliases that multiply, levels without end."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tfx_sequences.errors import SpecError
from tfx_sequences.schemas.spec.spec_io import spec_from_yaml
from tfx_sequences.schemas.spec.yaml_nodes import compose

SPEC = "name: s\nsequence: {x: {type: numeric}}\nlabel: {key: y}\n"
BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (SPEC + "training: {seed: 1}\nname: t\n", "'name' in line 1 and in line 5"),
        ("name: s\nsequence:\n  x: {type: numeric}\n  x: {type: categorical}\n", "'x' in line 3 and in line 4"),
        (SPEC + "model: {units: [4], units: [8]}\n", "'units' in line 4 and in line 4"),
        (SPEC + BOMB, "is too large"),
        (SPEC + "model: &m {units: [*m]}\n", "more levels than that in line 4"),
        (SPEC + "model: " + "[" * 60 + "]" * 60, "more levels than that in line 4"),
        (SPEC + "model: " + "[" * 5000 + "]" * 5000, "more levels than that in line 4"),
        (SPEC + "a0: &a0 [x]\n" + "".join(f"a{n + 1}: &a{n + 1} [*a{n}]\n" for n in range(2000)), "in line 5"),
        (SPEC + "? [a]\n: b\n", "a sequence in line 4"),
        (SPEC + "!!binary aGk=: b\n", "Unknown key 'aGk='"),
        ("name: s\nsequence: [[]]\nlabel: {key: y}\n", "line 2: sequence"),
        (SPEC + "model: \x07\n", "character 63"),
        (SPEC + "since: 2024-02-31\n", "is not YAML"),
        (SPEC + "since: !!timestamp 2020-13-45n\n", "'2020-13-45n' is not a value of timestamp"),
        (SPEC + "since: !!int ''\n", "'' is not a value of int"),
        (SPEC + "since: !!bool maybe\n", "'maybe' is not a value of bool"),
        (SPEC + "since: !!float x\n", "'x' is not a value of float"),
        (SPEC + "since: !!set [a]\n", "is not YAML"),
        ("name: s\nsequence: {x: {type: numeric, default_value: .nan}}\nlabel: {key: y}\n", "a finite number"),
        (SPEC + "training: {learning_rate: .inf}\n", "a finite number"),
    ],
)
def test_the_spec_is_refused_with_the_place(text, words):
    with pytest.raises(SpecError) as refused:
        spec_from_yaml(text, where="spec.yaml")
    assert words in str(refused.value) and "spec.yaml" in str(refused.value)


def test_aliases_and_merged_mappings_are_allowed():
    text = (
        "name: s\nsequence:\n  x: &x {type: numeric, shape: [2]}\n  y: *x\n  z: {<<: *x, shape: [3]}\nlabel: {key: k}\n"
    )
    assert {key: column.shape for key, column in spec_from_yaml(text).sequence.items()} == {
        "x": (2,),
        "y": (2,),
        "z": (3,),
    }


def test_keys_are_the_texts_that_are_written():
    text = "name: s\nsequence: {1: {type: numeric}, 0x1: {type: numeric}, yes: {type: numeric}}\nlabel: {key: y}\n"
    assert list(spec_from_yaml(text).sequence) == ["1", "0x1", "yes"]


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(max_size=5), parts, max_size=3),
    max_leaves=10,
)


@given(PLAIN)
def test_what_a_dumper_writes_is_never_refused(value):
    compose(yaml.safe_dump(value), "x")
