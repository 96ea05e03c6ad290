"""A pipeline that begins with rows: lineage, cache and statistics begin with them too."""

from __future__ import annotations

import pytest
import tensorflow_data_validation as tfdv
from tfx.orchestration import metadata, pipeline
from tfx.orchestration.local.local_dag_runner import LocalDagRunner

from tests.rows import WINDOWS, frame_of, spec_of
from tfx_sequences.components.rows.ingestion import ingest
from tfx_sequences.pipeline.create import create_pipeline


def run(spec, folder):
    """Runs SequenceRowsGen and StatisticsGen, and gives the folders of all examples so far."""
    store = metadata.sqlite_metadata_connection_config(str(folder / "metadata.sqlite"))
    whole = create_pipeline(
        spec,
        data=str(folder / "rows"),
        pipeline_root=str(folder / "artifacts"),
        push_destination=str(folder / "pushed"),
        splits_with_files=("train",),
        metadata_connection_config=store,
        beam_pipeline_args=["--runner=FnApiRunner"],
        of_rows=True,
    )
    LocalDagRunner().run(whole, run_options=pipeline.RunOptions(to_nodes=["StatisticsGen"]))
    return sorted((folder / "artifacts").glob("SequenceRowsGen/examples/*"))


@pytest.mark.slow
def test_a_pipeline_begins_with_rows(tmp_path):
    frame, spec = frame_of(700, users=40), spec_of(WINDOWS)
    (tmp_path / "rows" / "more").mkdir(parents=True)
    frame[:300].to_csv(tmp_path / "rows" / "a.csv", index=False)
    frame[300:].to_parquet(tmp_path / "rows" / "more" / "b.parquet")
    assert len(run(spec, tmp_path)) == 1
    counts = ingest(spec, tmp_path / "rows", tmp_path / "out")
    [statistics] = (tmp_path / "artifacts").glob("StatisticsGen/statistics/*")
    for split, number in counts.records.items():
        [dataset] = tfdv.load_stats_binary(str(statistics / f"Split-{split}" / "FeatureStats.pb")).datasets
        assert dataset.num_examples == number
    # The same rows are not read again, but those of a file that has changed are, wherever it is.
    assert len(run(spec, tmp_path)) == 1
    frame[400:].to_parquet(tmp_path / "rows" / "more" / "b.parquet")
    assert len(run(spec, tmp_path)) == 2
