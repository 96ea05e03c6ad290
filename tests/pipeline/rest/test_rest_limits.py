"""What a request takes, and when that is too much."""

import numpy as np
import pytest

from tests.everything import everything_spec, plain_records
from tfx_sequences.components.serving.loaded_model import load_model
from tfx_sequences.components.serving.names import EXAMPLES
from tfx_sequences.components.serving.requests import serialize_rows
from tfx_sequences.pipeline.rest.rest_limits import Limits, RestError, Work, check_padded_steps, check_rows, check_sizes

LIMITS = Limits(rows=3, steps=5, padded_steps=12)
CONTEXT, SEQUENCE = plain_records()[5]


@pytest.fixture(scope="module")
def model(exported_everything):
    return load_model(exported_everything[1])


def records(*changes):
    rows = [{**CONTEXT, **SEQUENCE, **its} for its in changes]
    return {EXAMPLES: np.array(serialize_rows(rows, everything_spec()), object)}


def test_padded_steps_have_a_limit_of_their_own():
    check_padded_steps(3, 4, LIMITS)
    check_padded_steps(3, 5, LIMITS, 11)
    with pytest.raises(RestError, match="3 rows, and the longest one has 5 steps: 15 steps with padding") as caught:
        check_padded_steps(3, 5, LIMITS)
    assert caught.value.status == 413
    with pytest.raises(RestError, match="4 rows; at most 3"):
        check_rows(4, LIMITS)


def test_what_a_request_takes_is_counted(model):
    # The records have five steps each.
    work = check_sizes(model, "serving_default", records({}, {}), Limits())
    assert (work.rows, work.steps, work.padded_steps) == (2, 10, 10)
    assert work.memory_bytes == model.calls.memory.of_rows(2, model.sizes_of("serving_default", records({}, {})))
    assert (work + Work(1, 2, 3, 4)) == Work(3, 12, 13, work.memory_bytes)
    assert check_sizes(model, "serving_default", records(), Limits()) == Work()


def test_an_answer_that_is_padded_to_a_long_row_is_refused(labels_model, all_labels):
    model = load_model(labels_model[2])
    inputs = {EXAMPLES: np.array(all_labels.serialized[:8], object)}
    needed = model.calls.memory.of_answer("serving_default", model.sizes_of("serving_default", inputs))
    taken = check_sizes(model, "serving_default", inputs, Limits()).memory_bytes - needed
    assert needed > 0
    # As if there were more classes.
    model.calls.memory._answers["serving_default"] *= 1 + 2 * taken // needed
    with pytest.raises(RestError, match=r"8 rows of up to .* steps, and its padded answer needs about") as caught:
        check_sizes(model, "serving_default", inputs, Limits(memory_bytes=2 * taken))
    assert caught.value.status == 413


@pytest.mark.parametrize(
    ("signature_name", "changes", "limits", "words"),
    [
        ("serving_default", [{}], Limits(memory_bytes=2 << 10), "Row 0 has 5 steps and needs about 1 MiB"),
        # Of a text in the context, each byte may be a token.
        ("serving_default", [{}, {"title": "a " * 600_000}], Limits(memory_bytes=64 << 20), "Row 1 has 5 steps and"),
        # Values of one step are padded too.
        ("serving_default", [{}, {"tags": ["a"] * 600_000}], Limits(memory_bytes=64 << 20), "Row 1 has 5 steps and"),
        # Rows of these outputs are not computed in groups.
        ("transform_features", [{}, {}], Limits(memory_bytes=2 << 10), "The request has 2 rows of up to 5 steps and"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_memory_that_it_needs(model, signature_name, changes, limits, words):
    with pytest.raises(RestError, match=words) as caught:
        check_sizes(model, signature_name, records(*changes), limits)
    assert caught.value.status == 413
    assert "At most" in str(caught.value) and "larger --max-memory" in str(caught.value)
