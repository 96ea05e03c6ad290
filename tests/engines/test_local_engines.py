"""The Beam work on engines that need no cluster: Beam's own job server, that for Spark with two threads, and Prism."""

import contextlib
import sys
from collections.abc import Iterator, Sequence

import pytest

from tests.engines.flink_cluster import JAVA_OPENED
from tests.engines.jars import jars, missing_programs
from tests.engines.prism import go
from tests.engines.prism import prism as built_prism
from tests.engines.processes import Processes, free_port
from tests.engines.row_work import assert_records_of_rows
from tests.engines.worker_environment import start_workers
from tfx_sequences.pipeline.beam_engines import beam_pipeline_args, check_engine

# Nothing but loopback, and no web pages.
_OF_SPARK = ("spark.driver.bindAddress=127.0.0.1", "spark.driver.host=127.0.0.1", "spark.ui.enabled=false")


@contextlib.contextmanager
def job_server(engine, command: Sequence[str], port: int, folder, worker_path) -> Iterator[list[str]]:
    """Starts a job server, and worker processes that have only the wheel; gives Beam's options."""
    processes = Processes(folder / "logs")
    try:
        processes.start("jobserver", command)
        pool = start_workers(processes, worker_path)
        processes.wait_for_port("jobserver", port)
        options = [f"--job_endpoint=localhost:{port}", "--environment_type=EXTERNAL", f"--environment_config={pool}"]
        yield beam_pipeline_args(options, engine)
    finally:
        processes.end_all()


@pytest.fixture(scope="module")
def portable(worker_path, tmp_path_factory):
    port = free_port()
    server = [sys.executable, "-m", "apache_beam.runners.portability.local_job_service_main", f"--job_port={port}"]
    with job_server("portable", server, port, tmp_path_factory.mktemp("portable"), worker_path) as options:
        yield options


@pytest.fixture(scope="module")
def spark(worker_path, tmp_path_factory):
    missing = missing_programs()
    if missing:
        pytest.skip(f"Spark needs {' and '.join(missing)} on PATH")
    folder, port = tmp_path_factory.mktemp("spark"), free_port()
    java = ["java", "-Xmx1g", *JAVA_OPENED, *(f"-D{option}" for option in _OF_SPARK), "-cp", f"{jars('spark')}/*"]
    listens = ["--job-host", "localhost", "--job-port", str(port), "--artifact-port", "0", "--expansion-port", "0"]
    own = ["--spark-master-url", "local[2]", "--artifacts-dir", str(folder / "staged")]
    server = [*java, "org.apache.beam.runners.spark.SparkJobServerDriver", *listens, *own]
    with job_server("spark", server, port, folder, worker_path) as options:
        yield options


@pytest.fixture(scope="module")
def prism():
    if not go():
        pytest.skip("Prism needs Go, on PATH or in /usr/local/go")
    return beam_pipeline_args([f"--prism_location={built_prism()}"], "prism")


@pytest.fixture(params=["portable", "prism", "spark"])
def engine(request):
    """Name and options of each."""
    return request.param, request.getfixturevalue(request.param)


def test_the_pipeline_makes_what_the_direct_engine_makes(engine, same_work):
    name, options = engine
    check_engine(options)
    same_work(name, options)


def test_predictions_are_those_of_the_direct_engine(engine, same_predictions):
    same_predictions(*engine)


def test_the_evaluators_figures_are_those_of_the_direct_engine(engine, same_figures):
    same_figures(*engine)


def test_rows_become_the_records_of_ingest(engine, tmp_path):
    _, options = engine
    assert_records_of_rows(options, tmp_path)
