"""The gallery of public formats: each spec takes its records untouched, learns what they hold, and is served."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tests.layouts import public_formats
from tests.layouts.trained_layout import predicted, train_layout
from tfx_sequences.schemas.spec.spec_io import load_spec

GALLERY = Path(__file__).parents[1] / "examples" / "formats"


def context_values(records: list[bytes], key: str) -> list[list[Any]]:
    """The values of a context feature, or of a `tf.Example`'s feature, in each record."""
    found = []
    for record in records:
        features = tf.train.SequenceExample.FromString(record).context.feature
        feature = features[key]
        found.append([*feature.int64_list.value, *feature.float_list.value, *feature.bytes_list.value])
    return found


def text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def accuracy_of(key: str) -> Callable[[list[bytes], list[dict[str, Any]]], float]:
    """The share of records whose class is predicted."""

    def figure(records: list[bytes], rows: list[dict[str, Any]]) -> float:
        labels = [text(values[0]) for values in context_values(records, key)]
        return float(np.mean([row["predicted_class"] == label for row, label in zip(rows, labels, strict=True)]))

    return figure


def labels_found(records: list[bytes], rows: list[dict[str, Any]]) -> float:
    """The share of records whose first label has the highest score."""
    labels = [text(values[0]) for values in context_values(records, "labels")]
    best = [max(row["scores"], key=row["scores"].get) for row in rows]
    return float(np.mean([b == label for b, label in zip(best, labels, strict=True)]))


def near_the_number(records: list[bytes], rows: list[dict[str, Any]]) -> float:
    """The share of records whose number, 0 or 1, is the nearest one to the prediction."""
    labels = [values[0] for values in context_values(records, "label")]
    return float(np.mean([abs(row["prediction"] - label) < 0.5 for row, label in zip(rows, labels, strict=True)]))


def relevance_of_items(records: list[bytes], rows: list[dict[str, Any]]) -> float:
    """The share of items whose relevance is predicted."""
    hits = []
    for record, row in zip(records, rows, strict=True):
        steps = tf.train.SequenceExample.FromString(record).feature_lists.feature_list["relevance"].feature
        hits += [c == str(s.int64_list.value[0]) for c, s in zip(row["predicted_class"], steps, strict=True)]
    return float(np.mean(hits))


def relevance_of_listed_items(records: list[bytes], rows: list[dict[str, Any]]) -> float:
    """The same, where the price itself says the relevance: 2 for each grade."""
    both = public_formats.tf_ranking_seq()["test"]
    return relevance_of_items(both, rows) if len(both) == len(rows) else 0.0


def next_events(records: list[bytes], rows: list[dict[str, Any]]) -> float:
    """The share of steps whose next event is predicted, without the first step: it does not say which way it goes."""
    hits = []
    for record, row in zip(records, rows, strict=True):
        steps = tf.train.SequenceExample.FromString(record).feature_lists.feature_list["labels"].feature
        hits += [c == str(s.int64_list.value[0]) for c, s in zip(row["predicted_class"][1:], steps[1:], strict=True)]
    return float(np.mean(hits))


def third_words(records: list[bytes], rows: list[dict[str, Any]]) -> float:
    """The share of captions whose third word, which the image determines, is predicted after the second one."""
    hits = []
    for record, row in zip(records, rows, strict=True):
        steps = tf.train.SequenceExample.FromString(record).feature_lists.feature_list["image/caption"].feature
        hits.append(row["predicted_class"][1] == steps[2].bytes_list.value[0].decode())
    return float(np.mean(hits))


# What is learned is determined by the records, so that nearly all answers must be right.
FIGURES: dict[str, tuple[Callable[[list[bytes], list[dict[str, Any]]], float], float]] = {
    "youtube8m_frames": (labels_found, 0.95),
    "audioset": (labels_found, 0.95),
    "mediasequence": (accuracy_of("clip/label/string"), 0.95),
    "magenta_melodies": (next_events, 0.95),
    "im2txt_captions": (third_words, 0.95),
    "quick_draw": (accuracy_of("class_index"), 0.95),
    # The grades overlap: the nearest of 0, 2 and 4 is right for all but 2 * (2/3) * P(z > 1 / 0.3) of the items.
    "tf_ranking_seq": (relevance_of_items, 0.95),
    "tf_ranking_elwc": (relevance_of_listed_items, 0.95),
    "fhir_events": (accuracy_of("label.in_hospital_death.class"), 0.9),
    "physionet_vitals": (accuracy_of("In-hospital_death"), 0.95),
    "spark_nested_arrays": (near_the_number, 0.9),
    "ddsp_rates": (accuracy_of("instrument"), 0.95),
    "opennmt_vectors": (accuracy_of("language"), 0.95),
    "encoded_images": (accuracy_of("clip/label/string"), 0.95),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", FIGURES)
def test_the_spec_takes_the_records_as_they_are(name, tmp_path):
    figure, at_least = FIGURES[name]
    records = getattr(public_formats, name)()
    model, checked, test_file = train_layout(load_spec(GALLERY / name / "spec.yaml"), records, tmp_path)
    assert not [leak for leak in checked.leaks if leak.level == "certain"]
    rows = predicted(model, test_file, tmp_path)
    assert figure(records["test"], rows) >= at_least
    # What a server answers is what the command wrote.
    name_of_signature = "serving_elwc" if model.spec.record == "ELWC" else "serving_default"
    signature = model.run(name_of_signature, {"examples": np.array(records["test"][:5], object)})
    for row, scores in zip(rows, signature.get("scores", []), strict=False):
        if isinstance(row.get("scores"), dict):
            np.testing.assert_allclose([*row["scores"].values()], scores, rtol=1e-4, atol=1e-5)


def test_every_example_of_the_gallery_has_a_page_and_a_test():
    specs = {path.parent.name for path in GALLERY.glob("*/spec.yaml")}
    assert specs == set(FIGURES) == {path.parent.name for path in GALLERY.glob("*/README.md")}


def test_pages_show_the_specs_as_they_are():
    for path in GALLERY.glob("*/spec.yaml"):
        page = path.with_name("README.md").read_text("utf-8")
        assert f"```yaml\n{path.read_text('utf-8')}```" in page, path
        assert f"test_formats.py -k {path.parent.name}`" in page, path
