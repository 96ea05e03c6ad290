"""The Beam work on a Flink session cluster of two TaskManagers, of which one is lost on the way."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.engines.beam_work import do_beam_work
from tests.engines.flink_cluster import flink_cluster
from tests.engines.jars import jars, missing_programs
from tests.engines.processes import wait_until
from tfx_sequences.pipeline.beam_engines import beam_pipeline_args, check_engine


@pytest.fixture(scope="module")
def cluster(tmp_path_factory, worker_path):
    missing = missing_programs()
    if missing:
        pytest.skip(f"Flink needs {' and '.join(missing)} on PATH")
    with flink_cluster(jars("flink"), tmp_path_factory.mktemp("flink"), worker_path) as running:
        yield running


def test_a_job_that_loses_a_task_manager_makes_what_the_direct_engine_makes(cluster, spec, cmudict, direct, tmp_path):
    options = [
        f"--job_endpoint={cluster.job_endpoint}",
        "--environment_type=EXTERNAL",
        f"--environment_config={cluster.worker_pool}",
        "--parallelism=2",
    ]
    args = beam_pipeline_args(options, "flink")
    check_engine(args)

    def lose_one_in_transform() -> str:
        wait_until((tmp_path / "artifacts" / "Transform").exists, "Transform to start", 900)
        return cluster.kill_task_manager_at_work()

    with ThreadPoolExecutor(1) as pool:
        lost = pool.submit(lose_one_in_transform)
        work = do_beam_work(spec, cmudict, tmp_path, args)
        assert lost.result().startswith("taskmanager-")
    work.assert_same_as(direct)
    jobs = cluster.jobs()
    assert {job["state"] for job in jobs} == {"FINISHED"}
    assert sum(direct.records["Split-train"].values()) > 1000
    assert cluster.overview()["taskmanagers"] == 1
    assert cluster.losses(), "no job was running in what was lost"
    print(f"direct {direct.seconds:.0f} s, Flink {work.seconds:.0f} s with a TaskManager lost, {len(jobs)} jobs")
