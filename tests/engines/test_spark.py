"""The Beam work on Spark, which Beam's job server for it starts in its own process, with two threads."""

import pytest

from tests.engines.beam_work import do_beam_work, predict_words
from tests.engines.flink_cluster import JAVA_OPENED
from tests.engines.jars import jars, missing_programs
from tests.engines.processes import Processes, free_port
from tests.engines.worker_environment import start_workers
from tfx_sequences.pipeline.beam_engines import beam_pipeline_args, check_engine

# Nothing but loopback, and no web pages.
_OPTIONS = ("spark.driver.bindAddress=127.0.0.1", "spark.driver.host=127.0.0.1", "spark.ui.enabled=false")


@pytest.fixture(scope="module")
def spark(worker_path, tmp_path_factory):
    """Options of the job server, whose workers have only the wheel."""
    missing = missing_programs()
    if missing:
        pytest.skip(f"Spark needs {' and '.join(missing)} on PATH")
    folder = tmp_path_factory.mktemp("spark")
    processes = Processes(folder / "logs")
    port = free_port()
    driver = ["-cp", f"{jars('spark')}/*", "org.apache.beam.runners.spark.SparkJobServerDriver"]
    listens = ["--job-host", "localhost", "--job-port", str(port), "--artifact-port", "0", "--expansion-port", "0"]
    words = ["java", "-Xmx1g", *JAVA_OPENED, *(f"-D{option}" for option in _OPTIONS), *driver, *listens]
    try:
        own = ["--spark-master-url", "local[2]", "--artifacts-dir", str(folder / "staged")]
        processes.start("jobserver", [*words, *own])
        pool = start_workers(processes, worker_path)
        processes.wait_for_port("jobserver", port)
        options = ["--environment_type=EXTERNAL", f"--environment_config={pool}"]
        yield beam_pipeline_args([f"--job_endpoint=localhost:{port}", *options], "spark")
    finally:
        processes.end_all()


def test_the_pipeline_makes_what_the_direct_engine_makes(spark, spec, cmudict, direct, timings, tmp_path):
    check_engine(spark)
    work = do_beam_work(spec, cmudict, tmp_path, spark)
    timings["spark"] = work.seconds
    work.assert_same_as(direct)


def test_predictions_are_those_of_the_direct_engine(spark, cmudict, model, predictions, timings, tmp_path):
    rows, seconds = predict_words(model, cmudict, tmp_path / "parts", spark)
    timings.setdefault("spark", {})["predictions"] = seconds
    assert rows == predictions
