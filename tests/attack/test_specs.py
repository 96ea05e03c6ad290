"""Specs: 5000 documents and texts; each loads and survives being written, or is refused by name."""

from __future__ import annotations

import resource
import signal

import hypothesis
import pytest
from hypothesis import strategies as st

from tests.attack.spec_grammar import documents, mutated, text_of, wild
from tfx_sequences.errors import SpecError
from tfx_sequences.schemas.spec.spec_io import spec_from_json, spec_from_yaml, spec_to_json, spec_to_yaml

DOCUMENTS = 1000
# The document as it is, with wild values, and as mutated text: five specs.
_WILD, _MUTATED = 2, 2
# A spec takes milliseconds; this is a hang.
_HANGS_AFTER = 60
_MOST_GROWTH = 300 << 20


def loaded(text, folder):
    """The spec of the text; None if it is refused by an error that says where, or that the text is not a spec."""
    try:
        return spec_from_yaml(text, where="spec.yaml", folder=folder)
    except SpecError as error:
        message = str(error)
        assert "line " in message or "'" in message or "label" in message or "is not a spec" in message, message
        return None


def outcome(text, folder):
    spec = loaded(text, folder)
    if spec is None:
        return "refused"
    assert spec_from_yaml(spec_to_yaml(spec)) == spec
    assert spec_from_json(spec_to_json(spec)) == spec
    return "answered"


@pytest.fixture
def alarm():
    """An alarm ends the test as Ctrl-C does."""
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.usefixtures("alarm")
def test_a_spec_loads_and_survives_or_is_refused_by_name(rounds, tally, tmp_path):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10

    @hypothesis.given(data=st.data())
    @hypothesis.settings(max_examples=DOCUMENTS, derandomize=False, suppress_health_check=list(hypothesis.HealthCheck))
    def attack(data):
        document = data.draw(documents())
        texts = [text_of(document)]
        texts += [text_of(wild(data.draw, document)) for _ in range(_WILD)]
        texts += [mutated(data.draw, texts[0]) for _ in range(_MUTATED)]
        for text in texts:
            hypothesis.note(text)
            signal.alarm(_HANGS_AFTER)
            tally.add("specs", outcome(text, tmp_path))
            signal.alarm(0)

    for generator in rounds(1):
        hypothesis.seed(int(generator.integers(1 << 60)))(attack)()
    assert tally.tried("specs") >= DOCUMENTS * 5
    assert tally.counts["specs"]["answered"] >= DOCUMENTS // 8
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10) - before < _MOST_GROWTH
