"""The folder of a transform graph is read as TFT reads it."""

import json
from pathlib import Path

import tensorflow_transform as tft

from tfx_sequences.components.transform.transform_output import (
    ASSET_MAP,
    GRAPH_DIR,
    METADATA_DIR,
    TransformOutput,
    read_asset_map,
)
from tfx_sequences.schemas.features.computed_vocabularies import computed_vocabularies


def test_vocabularies_are_those_that_tft_reads(everything):
    ours, theirs = TransformOutput(everything.transform_dir), tft.TFTransformOutput(everything.transform_dir)
    files = [*computed_vocabularies(everything.spec), "sequence_lengths"]
    assert len(files) > 2
    for file in files:
        assert ours.vocabulary_by_name(file) == theirs.vocabulary_by_name(file)
        assert ours.vocabulary_size_by_name(file) == theirs.vocabulary_size_by_name(file)
    assert ours.transform_savedmodel_dir == theirs.transform_savedmodel_dir


def test_the_layout_is_that_of_tft(everything):
    theirs = tft.TFTransformOutput
    assert (GRAPH_DIR, METADATA_DIR, ASSET_MAP) == (
        theirs.TRANSFORM_FN_DIR,
        theirs.TRANSFORMED_METADATA_DIR,
        theirs.ASSET_MAP,
    )
    written = json.loads(Path(everything.transform_dir, METADATA_DIR, ASSET_MAP).read_text())
    assert read_asset_map(everything.transform_dir) == written


def test_a_folder_without_the_map_has_no_texts(tmp_path):
    assert read_asset_map(str(tmp_path)) == {}


def test_terms_may_contain_other_line_separators(tmp_path):
    assets = tmp_path / GRAPH_DIR / "assets"
    assets.mkdir(parents=True)
    terms = ["a\u2028b", "c\x0bd", " e "]
    (assets / "vocabulary").write_text("\n".join(terms) + "\n", "utf-8")
    assert [t.decode() for t in TransformOutput(str(tmp_path)).vocabulary_by_name("vocabulary")] == terms
