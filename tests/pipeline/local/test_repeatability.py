import json
from importlib import resources

import pytest

from tfx_sequences.errors import UserInputError
from tfx_sequences.pipeline.beam_engines import beam_pipeline_args
from tfx_sequences.pipeline.cloud.compilation import compile_pipeline
from tfx_sequences.pipeline.local.repeatability import check_repeatable
from tfx_sequences.pipeline.local.run import run_local
from tfx_sequences.schemas.spec.deployment import Deployment
from tfx_sequences.schemas.spec.spec_io import load_spec

pytestmark = pytest.mark.tfx

BUNDLED = load_spec("japanese_vowels")
DETERMINISTIC = BUNDLED.model_copy(update={"training": BUNDLED.training.model_copy(update={"deterministic": True})})


def test_beams_own_engine_with_one_worker_can_be_repeated():
    check_repeatable(DETERMINISTIC, beam_pipeline_args([]))
    check_repeatable(DETERMINISTIC, beam_pipeline_args(["--direct_num_workers=1"], "direct"))


@pytest.mark.parametrize(
    ("options", "received"),
    [
        (["--runner=FnApiRunner", "--direct_num_workers=3"], "runner FnApiRunner with 3 workers"),
        (["--runner=apache_beam.runners.portability.prism_runner.PrismRunner"], "runner PrismRunner"),
        (["--runner=FlinkRunner"], "runner FlinkRunner"),
        (["--job_endpoint=localhost:1"], "runner not named"),
    ],
)
def test_other_engines_cannot(options, received):
    with pytest.raises(UserInputError, match=f"deterministic is true[\\s\\S]*received: {received}\n[\\s\\S]*fix:"):
        check_repeatable(DETERMINISTIC, options)
    check_repeatable(BUNDLED, options)


def test_a_run_that_could_not_be_repeated_ends_before_it_writes_anything(tmp_path):
    data = str(resources.files("tfx_sequences") / "examples_data" / "japanese_vowels")
    with pytest.raises(UserInputError, match="order of records"):
        run_local(DETERMINISTIC, data, tmp_path / "out", beam_args=["--direct_num_workers=2"])
    assert not (tmp_path / "out").exists()


def test_what_is_compiled_is_checked_where_the_order_counts():
    dataflow = {"beam_args": ["--runner=DataflowRunner", "--project=p", "--region=europe-west4"]}
    options = {"data": "gs://b/d", "output_root": "gs://b/o", "image": "i", "runner": "vertex"}

    def compiled(*on_dataflow):
        deployment = Deployment.model_validate_json(json.dumps({"components": dict.fromkeys(on_dataflow, dataflow)}))
        return compile_pipeline(DETERMINISTIC, splits_with_files=("train",), deployment=deployment, **options)

    for component in ("Transform", "SequenceExampleGen"):
        with pytest.raises(UserInputError, match=f"but {component} would use an engine"):
            compiled("StatisticsGen", component)
    assert compiled("StatisticsGen", "Evaluator")
