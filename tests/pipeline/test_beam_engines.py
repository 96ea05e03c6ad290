"""Which options of Beam an engine gets, and what is told where it lacks one."""

import socket

import pytest

from tfx_sequences.errors import UserInputError
from tfx_sequences.pipeline.beam_engines import ENGINES, beam_pipeline_args, check_engine, check_reach

pytestmark = pytest.mark.tfx


@pytest.mark.parametrize("engine", ENGINES)
def test_an_engine_together_with_a_runner_is_an_error(engine):
    with pytest.raises(UserInputError, match="Two Beam runners"):
        beam_pipeline_args(["--runner=FnApiRunner"], engine)


@pytest.mark.parametrize(
    ("engine", "options", "expected"),
    [
        ("portable", [], "--job_endpoint"),
        ("portable", ["--job_endpoint=elsewhere:8099"], "--environment_type=EXTERNAL"),
        ("portable", ["--job_endpoint=localhost:1", "--environment_type=EXTERNAL"], "--environment_config=HOST:PORT"),
        ("portable", ["--job_endpoint=localhost:1", "--environment_type=PROCESS"], "--environment_config={"),
        ("flink", ["--job_endpoint=x:1", "--environment_type=DOCKER"], "--environment_config=IMAGE"),
        ("flink", [], "--flink_master"),
        ("spark", [], "--spark_master_url"),
        ("dataflow", ["--project=p"], "--region=... and --temp_location=... and --sdk_container_image=..."),
    ],
)
def test_a_missing_option_is_named(engine, options, expected):
    with pytest.raises(UserInputError) as told:
        beam_pipeline_args(options, engine)
    assert expected in told.value.expected
    assert "--beam-arg=--" in told.value.fix


def test_the_users_options_win():
    own = ["--job_endpoint=localhost:8099", "--environment_cache_millis=0", "--environment_type", "DOCKER"]
    args = beam_pipeline_args([*own, "--sdk_container_image=image"], "flink")
    assert args == ["--runner=FlinkRunner", *own, "--sdk_container_image=image"]


def test_workers_of_an_engine_on_this_machine_are_this_process():
    assert "--environment_type=LOOPBACK" in beam_pipeline_args(["--job_endpoint=embed"], "portable")
    assert "--environment_type=LOOPBACK" in beam_pipeline_args(["--job_endpoint=localhost:8099"], "spark")


def test_an_unknown_engine_is_an_error_with_the_closest_name():
    with pytest.raises(UserInputError, match="Did you mean 'flink'"):
        beam_pipeline_args([], "flnk")


def test_java_and_prism_are_missed_before_anything_runs(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("GOBIN", raising=False)
    with pytest.raises(UserInputError, match="needs Java"):
        beam_pipeline_args(["--flink_master=localhost:8081", "--environment_type=LOOPBACK"], "flink")
    with pytest.raises(UserInputError, match="Prism was not found"):
        beam_pipeline_args([], "prism")
    prism = tmp_path / "prism"
    prism.write_text("")
    prism.chmod(0o755)
    assert f"--prism_location={prism}" in beam_pipeline_args([], "prism")


def test_an_unknown_runner_is_an_error():
    check_engine(["--runner=FnApiRunner"])
    with pytest.raises(UserInputError, match="Beam has no runner 'Nonsense'"):
        check_engine(["--runner=Nonsense"])


def test_a_cluster_that_does_not_answer_is_an_error():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        endpoint = f"--job_endpoint=localhost:{port}"
        with pytest.raises(UserInputError, match=f"No server answers at localhost:{port}"):
            check_engine(["--runner=PortableRunner", endpoint])
        listener.listen()
        check_engine(["--runner=PortableRunner", endpoint])
        check_engine(["--runner=FlinkRunner", f"--flink_master=http://localhost:{port}"])
    with pytest.raises(UserInputError, match="No server answers"):
        check_engine(
            ["--runner=PortableRunner", "--environment_type=EXTERNAL", f"--environment_config=localhost:{port}"]
        )


def test_a_jar_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(UserInputError, match="jar of Beam's job server does not exist"):
        check_engine(["--runner=FlinkRunner", f"--flink_job_server_jar={tmp_path / 'server.jar'}"])
    (tmp_path / "server.jar").write_bytes(b"")
    check_engine(["--runner=FlinkRunner", f"--flink_job_server_jar={tmp_path / 'server.jar'}"])


def test_workers_in_the_cloud_see_buckets_only():
    options = [f"--{name}=x" for name in ("project", "region", "temp_location", "sdk_container_image")]
    args = beam_pipeline_args(options, "dataflow")
    check_reach(args, {"data folder": "gs://bucket/data"})
    with pytest.raises(UserInputError, match="cannot see the model"):
        check_reach(args, {"model": "/out/model"})
    check_reach(beam_pipeline_args([]), {"model": "/out/model"})
