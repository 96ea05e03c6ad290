"""The Beam work on engines of this machine that speak Beam's portable protocol: its own job server, and Prism."""

import os
import sys

import pytest

from tests.engines.beam_work import do_beam_work
from tests.engines.processes import Processes, free_port
from tfx_sequences.errors import UserInputError
from tfx_sequences.pipeline.beam_engines import beam_pipeline_args, check_engine


def test_a_job_server_with_workers_that_have_only_the_wheel(spec, cmudict, direct, worker_path, tmp_path):
    processes = Processes(tmp_path / "logs")
    jobs, pool = free_port(), free_port()
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV"))}
    beam = "apache_beam.runners"
    try:
        server = [sys.executable, "-m", f"{beam}.portability.local_job_service_main", f"--job_port={jobs}"]
        processes.start("jobserver", server)
        workers = ["python", "-m", f"{beam}.worker.worker_pool_main", f"--service_port={pool}"]
        path = f"{worker_path}:{os.environ['PATH']}"
        processes.start("workers", [str(worker_path / workers[0]), *workers[1:]], env={**clean, "PATH": path})
        processes.wait_for_port("jobserver", jobs)
        processes.wait_for_port("workers", pool)
        options = [f"--job_endpoint=localhost:{jobs}", "--environment_type=EXTERNAL"]
        args = beam_pipeline_args([*options, f"--environment_config=localhost:{pool}"], "portable")
        check_engine(args)
        work = do_beam_work(spec, cmudict, tmp_path, args)
    finally:
        processes.end_all()
    work.assert_same_as(direct)
    print(f"direct {direct.seconds:.0f} s, portable {work.seconds:.0f} s")


def test_prism(spec, cmudict, direct, tmp_path):
    try:
        args = beam_pipeline_args([], "prism")
    except UserInputError as error:
        pytest.skip(error.what)
    check_engine(args)
    work = do_beam_work(spec, cmudict, tmp_path, args)
    work.assert_same_as(direct)
    print(f"direct {direct.seconds:.0f} s, Prism {work.seconds:.0f} s")
