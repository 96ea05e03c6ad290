"""The Beam work on a Flink session cluster of two TaskManagers; the last two jobs lose one, which is replaced."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.engines.flink_cluster import flink_cluster
from tests.engines.jars import jars, missing_programs
from tests.engines.processes import wait_until
from tests.engines.row_work import assert_records_of_rows
from tfx_sequences.pipeline.beam_engines import beam_pipeline_args, check_engine


@pytest.fixture(scope="module")
def cluster(tmp_path_factory, worker_path):
    missing = missing_programs()
    if missing:
        pytest.skip(f"Flink needs {' and '.join(missing)} on PATH")
    with flink_cluster(jars("flink"), tmp_path_factory.mktemp("flink"), worker_path) as running:
        yield running


@pytest.fixture(scope="module")
def flink(cluster):
    """The cluster's options."""
    where = [f"--job_endpoint={cluster.job_endpoint}", f"--environment_config={cluster.worker_pool}"]
    return beam_pipeline_args([*where, "--environment_type=EXTERNAL", "--parallelism=2"], "flink")


def test_predictions_are_those_of_the_direct_engine(flink, cluster, same_predictions):
    check_engine(flink)
    same_predictions("flink", flink)
    assert cluster.overview()["taskmanagers"] == 2


def test_the_evaluators_figures_are_those_of_the_direct_engine(flink, same_figures):
    same_figures("flink", flink)


def test_rows_become_the_records_of_ingest_though_a_task_manager_is_lost(flink, cluster, tmp_path):
    before = len(cluster.losses())
    with ThreadPoolExecutor(1) as pool:
        lost = pool.submit(cluster.kill_task_manager_at_work)
        assert_records_of_rows(flink, tmp_path)
        assert lost.result().startswith("taskmanager-")
    assert len(cluster.losses()) > before, "no job was running in what was lost"
    wait_until(lambda: cluster.overview()["taskmanagers"] == 2, "the lost TaskManager to come back")


def test_a_job_that_loses_a_task_manager_makes_what_the_direct_engine_makes(
    flink, cluster, direct, same_work, tmp_path
):
    before = len(cluster.losses())

    def lose_one_in_transform() -> str:
        wait_until((tmp_path / "artifacts" / "Transform").exists, "Transform to start", 900)
        return cluster.kill_task_manager_at_work()

    with ThreadPoolExecutor(1) as pool:
        lost = pool.submit(lose_one_in_transform)
        same_work("flink", flink)
        assert lost.result().startswith("taskmanager-")
    assert {job["state"] for job in cluster.jobs()} == {"FINISHED"}
    assert sum(direct.records["Split-train"].values()) > 1000
    assert len(cluster.losses()) > before, "no job was running in what was lost"
