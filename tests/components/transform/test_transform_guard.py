"""The transform graph says which spec it was made of."""

import json
import shutil
from pathlib import Path

import pytest
import tensorflow_transform as tft

from tests.everything import everything_spec
from tfx_sequences.components.transform.transform_guard import check_transform, recorded_contents
from tfx_sequences.errors import SpecError
from tfx_sequences.schemas.spec.spec_io import TRANSFORM_SECTIONS, spec_to_json


@pytest.fixture
def graph(everything):
    return everything.transform_dir


def test_the_graph_holds_what_transform_reads_of_the_spec(everything, graph):
    recorded = recorded_contents(graph)
    assert recorded.spec == json.loads(spec_to_json(everything.spec, TRANSFORM_SECTIONS))
    assert "training" not in recorded.spec


def test_how_it_is_trained_may_differ(graph):
    check_transform(graph, everything_spec(training={"epochs": 77}, model={"units": (9,)}, name="other"))
    check_transform(graph, everything_spec(batching={"max_length": 3}, label={"key": "kind", "loss_weight": 2.0}))


def with_url(**fields):
    spec = everything_spec()
    url = spec.sequence["url"].model_copy(update=fields)
    return everything_spec(sequence={**spec.sequence, "url": url})


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (lambda: with_url(hash_bucket_size=6), "sequence.url: hash_bucket_size was 5, is 6"),
        (lambda: everything_spec(id_key=None), 'id_key: was "id", is null'),
        (lambda: everything_spec(example_weight=None), 'example_weight: was "weight", is null'),
        (lambda: everything_spec(label={"key": "city_of_label"}), 'label: key was "kind", is "city_of_label"'),
        (lambda: everything_spec(context={}), "context.age: removed (numeric)"),
    ],
)
def test_a_changed_feature_is_named(graph, changed, told):
    with pytest.raises(SpecError, match="transform graph was made with another spec") as refused:
        check_transform(graph, changed())
    assert told in str(refused.value)


def test_a_graph_that_says_nothing_is_refused(everything, tmp_path):
    folder = shutil.copytree(everything.transform_dir, tmp_path / "graph")
    [path] = Path(folder).rglob(tft.TFTransformOutput.ASSET_MAP)
    names = json.loads(path.read_text())
    del names["tfx_sequences_spec"]
    path.write_text(json.dumps(names))
    with pytest.raises(SpecError, match=r"does not contain its spec[\s\S]*vocabulary_sequence_token"):
        check_transform(str(folder), everything.spec)
