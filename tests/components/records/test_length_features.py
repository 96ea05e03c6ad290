"""Context numbers that are the length of their record."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.records import sequence_example
from tfx_sequences.components.records.batches import Batch, parse_batch
from tfx_sequences.components.records.length_features import LengthFeatures
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


def found(label_of, *, number=lambda steps: float(steps), kind="classification", count=80):
    spec = SequenceSpec.model_validate(
        {
            "name": "t",
            "context": {"n": {"type": "numeric"}},
            "sequence": {"x": {"type": "numeric"}},
            "label": {"key": "y", "type": kind},
        }
    )
    random = np.random.default_rng(3)
    lengths = random.integers(1, 9, count)
    contexts = [{"n": number(int(n)), "y": label_of(i, int(n))} for i, n in enumerate(lengths)]
    records = [sequence_example(c, {"x": [0.0] * n}) for c, n in zip(contexts, lengths, strict=True)]
    batch = Batch(Path("train"), 0, [r.SerializeToString() for r in records])
    parse_batch(batch, spec)
    search = LengthFeatures(spec)
    search.add(batch, lengths)
    return search.found()


@pytest.mark.parametrize(
    ("label_of", "kind"),
    [(lambda i, n: "long" if n > 4 else "short", "classification"), (lambda i, n: 2.0 * n, "regression")],
)
def test_the_length_is_noted_where_the_label_depends_on_it(label_of, kind):
    [leak] = found(label_of, kind=kind)
    assert (leak.kind, leak.level) == ("length", "note")
    assert leak.what.startswith("The feature context.n is the number of steps of the record")
    assert "all 80 records" in leak.received


def test_other_numbers_and_other_labels_are_not_noted():
    assert found(lambda i, n: "ab"[i % 2]) == []
    assert found(lambda i, n: "ab"[n > 4], number=lambda n: n + (n == 7) * 1.0) == []
    assert found(lambda i, n: "ab"[n > 4], count=10) == []
