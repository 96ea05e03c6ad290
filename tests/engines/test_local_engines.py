"""The Beam work on engines of this machine that speak Beam's portable protocol: its own job server, and Prism."""

import sys

import pytest

from tests.engines.beam_work import do_beam_work, predict_words
from tests.engines.processes import Processes, free_port
from tests.engines.worker_environment import start_workers
from tfx_sequences.errors import UserInputError
from tfx_sequences.pipeline.beam_engines import beam_pipeline_args, check_engine


@pytest.fixture(scope="module")
def job_server(worker_path, tmp_path_factory):
    """Options of Beam's own job server, whose workers have only the wheel."""
    processes = Processes(tmp_path_factory.mktemp("portable") / "logs")
    port = free_port()
    server = [sys.executable, "-m", "apache_beam.runners.portability.local_job_service_main", f"--job_port={port}"]
    try:
        processes.start("jobserver", server)
        pool = start_workers(processes, worker_path)
        processes.wait_for_port("jobserver", port)
        options = ["--environment_type=EXTERNAL", f"--environment_config={pool}"]
        yield beam_pipeline_args([f"--job_endpoint=localhost:{port}", *options], "portable")
    finally:
        processes.end_all()


@pytest.fixture(scope="module")
def prism():
    try:
        return beam_pipeline_args([], "prism")
    except UserInputError as error:
        pytest.skip(error.what)


@pytest.mark.parametrize("engine", ["job_server", "prism"])
def test_the_pipeline_makes_what_the_direct_engine_makes(engine, spec, cmudict, direct, timings, tmp_path, request):
    args = request.getfixturevalue(engine)
    check_engine(args)
    work = do_beam_work(spec, cmudict, tmp_path, args)
    timings[engine] = work.seconds
    work.assert_same_as(direct)


@pytest.mark.parametrize("engine", ["job_server", "prism"])
def test_predictions_are_those_of_the_direct_engine(engine, cmudict, model, predictions, timings, tmp_path, request):
    args = request.getfixturevalue(engine)
    rows, seconds = predict_words(model, cmudict, tmp_path / "parts", args)
    timings.setdefault(engine, {})["predictions"] = seconds
    assert rows == predictions
