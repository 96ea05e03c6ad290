"""What README and docs claim."""

import importlib.util
import json
import os
import re
import shlex
import shutil
from importlib import resources
from pathlib import Path
from string import Template
from typing import get_args

import numpy as np
import pytest
import yaml
from typer.main import get_command

from tests.records import sequence_example, write_records
from tfx_sequences.pipeline.beam_engines import beam_pipeline_args
from tfx_sequences.pipeline.commands.cli import app, main
from tfx_sequences.schemas.columns.numeric_columns import Normalizer
from tfx_sequences.schemas.spec.deployment import load_deployment
from tfx_sequences.schemas.spec.spec_io import load_spec, spec_from_yaml, spec_to_yaml

ROOT = Path(__file__).parents[1]


def test_the_spec_reference_is_up_to_date():
    module_spec = importlib.util.spec_from_file_location("spec_reference", ROOT / "scripts" / "spec_reference.py")
    module = importlib.util.module_from_spec(module_spec)
    module_spec.loader.exec_module(module)
    assert module.PAGE.read_text("utf-8") == module.render(), "run: python scripts/spec_reference.py"


def test_the_readmes_specs_are_valid():
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.S)
    assert blocks
    for block in blocks:
        spec_from_yaml(block)


def test_the_readmes_python_runs():
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.S)
    steps = {"price": [1.0, 2.0], "word": ["a", "b"]}
    names = {"serialized_records": [sequence_example({}, steps).SerializeToString()]}
    for block in blocks:
        exec(block, names)
    assert [c.id for c in names["pipeline"].components][-1] == "Pusher"
    assert names["sequence_input"].shape == (1, 2, 17)
    assert names["outputs"].shape == (1, 32)


def test_the_page_on_migration_runs_from_top_to_bottom(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # it writes a checkpoint
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "migration.md").read_text("utf-8"), re.S)
    names = {}
    for block in blocks:
        exec(block, names)
    assert names["new_outputs"].shape == names["outputs"].shape == (2, 32)
    assert names["steps"].shape == (2, 5, 14)
    assert names["logits"].shape == (2, 1)
    names["tf"].debugging.assert_equal(names["new_length"], names["sequence_length"])
    for before, now in zip(names["rnn_layer"].get_weights(), names["new_rnn_layer"].get_weights(), strict=True):
        assert (before == now).all()


def test_the_page_on_numbers_is_right(capsys):
    text = (ROOT / "docs" / "numbers.md").read_text("utf-8")
    for block in re.findall(r"```yaml\n(.*?)```", text, re.S):
        spec_from_yaml(f"name: page\n{block}label: {{key: y}}\n")
    [code] = re.findall(r"```python\n(.*?)```", text, re.S)
    exec(code, {})
    assert capsys.readouterr().out == re.findall(r"```text\n(.*?)```", text, re.S)[0]
    # Each normaliser of the spec has a row.
    [section] = re.findall(r"^## The normalisers\n(.*?)^## ", text, re.S | re.M)
    assert set(re.findall(r"^\| `(\w+)` \|", section, re.M)) == set(get_args(Normalizer))


def test_the_deployment_file_on_the_page_to_vertex_fits_the_pipeline(tmp_path):
    text = (ROOT / "docs" / "vertex.md").read_text("utf-8")
    [block] = re.findall(r"```yaml\n(.*?)```", text, re.S)
    (tmp_path / "deployment.yaml").write_text(block)
    components = re.search(r"by component: (.*?) \|", text)[1].split(", ")
    with_beam = re.search(r"of (SequenceExampleGen.*?)\. They", text)[1].replace(" and ", ", ").split(", ")
    assert set(with_beam) < set(components)
    load_deployment(tmp_path / "deployment.yaml").check(components, with_beam)
    from tfx_sequences.pipeline.create import create_pipeline

    pipeline = create_pipeline(load_spec("japanese_vowels"), data="d", pipeline_root="r", push_destination="p")
    assert [c.id for c in pipeline.components] == [c for c in components if c != "Tuner"]
    of_beam = {c.id for c in pipeline.components if hasattr(c.executor_spec, "beam_pipeline_args")}
    assert of_beam == set(with_beam)


def commands(page):
    """The words of each `tfx-sequences` command on a page, variables of its own blocks in place."""
    text = (ROOT / "docs" / page).read_text("utf-8").replace("\\\n", " ")
    blocks = "".join(re.findall(r"```(?:bash|sh)\n(.*?)```", text, re.S))
    values = {**os.environ}
    for name, value in re.findall(r"(?:^| )([A-Z]+)=(\S+)", blocks, re.M):
        values[name] = Template(value).substitute(values)
    lines = re.findall(r"^tfx-sequences (.*)$", blocks, re.M)
    return [shlex.split(Template(line).substitute(values), comments=True) for line in lines]


def test_the_commands_on_the_page_to_vertex_run_as_far_as_here(tmp_path, monkeypatch, capfd):
    pytest.importorskip("kfp.pipeline_spec", reason="needs the extra vertex")
    check, compiled, submit, kubeflow = commands("vertex.md")
    bundled = Path(str(resources.files("tfx_sequences"))) / "examples_data" / "japanese_vowels"
    shutil.copytree(bundled, tmp_path / "my_records")
    spec = load_spec("japanese_vowels").model_copy(update={"name": "my_task"})
    (tmp_path / "my_task.yaml").write_text(spec_to_yaml(spec))
    [block] = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "vertex.md").read_text("utf-8"), re.S)
    (tmp_path / "deployment.yaml").write_text(block)
    monkeypatch.chdir(tmp_path)
    for words in (check, compiled, kubeflow):
        assert main(words) == 0, capfd.readouterr().err
    assert "The records match the spec." in capfd.readouterr().out
    assert main(submit) == 0
    request = json.loads(capfd.readouterr().out)
    assert request["pipelineJob"]["runtimeConfig"]["parameterValues"]["data"] == "gs://my-bucket/records"
    assert request["pipelineJob"]["labels"]["team"] == "speech"
    assert yaml.safe_load((tmp_path / "pipeline.yaml").read_text())["pipelineInfo"] == {"name": "my-task"}


def test_the_commands_on_the_page_on_engines_are_options_that_these_take():
    known = {option for parameter in get_command(app).commands["run"].params for option in parameter.opts}
    engines = []
    for command, *words in commands("engines.md"):
        assert command == "run"
        assert {word.partition("=")[0] for word in words if word.startswith("-")} <= known
        engine = words[words.index("--beam-runner") + 1]
        given = [word.removeprefix("--beam-arg=") for word in words if word.startswith("--beam-arg=")]
        if engine == "prism":
            given.append("--prism_location=prism")
        assert len(beam_pipeline_args(given, engine)) > len(given)
        engines.append(engine)
    assert engines == ["flink", "prism", "spark"]


def test_the_python_on_the_page_to_vertex_compiles():
    pytest.importorskip("kfp.pipeline_spec", reason="needs the extra vertex")
    [block] = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "vertex.md").read_text("utf-8"), re.S)
    names = {}
    exec(block, names)
    executor = names["document"]["pipelineSpec"]["deploymentSpec"]["executors"]["SequenceTrainer_executor"]
    assert executor["container"]["resources"] == {"cpuLimit": 8.0}


def test_links_between_the_pages_lead_somewhere():
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_programs_of_the_page_about_tf_data_run(tmp_path, monkeypatch):
    """One after another, as a reader runs them, on records of a known rule: the price is the mean of x."""
    random = np.random.default_rng(0)
    values, words = {}, {}
    for split, number in (("train-0", 700), ("valid-0", 100)):
        records = []
        for length in random.integers(1, 110, number):
            x = random.normal(size=length).astype("float32")
            features = {"x": x.tolist(), "word": random.choice(["a", "b", "c"], length).tolist()}
            records.append(sequence_example({"price": float(x.mean())}, features))
            values.setdefault(split, []).extend(x.tolist())
            words.setdefault(split, []).extend(features["word"])
        write_records(tmp_path / "records" / split, records)
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "tf_data.md").read_text("utf-8"), re.S)
    assert len(blocks) == 5
    names: dict = {}
    for block in blocks:
        exec(compile(block, "docs/tf_data.md", "exec"), names)
    word, x = names["layer"].columns
    np.testing.assert_allclose(x.normalizer.offset, np.mean(values["train-0"]), rtol=1e-9)
    np.testing.assert_allclose(x.normalizer.scale, 1 / np.std(values["train-0"]), rtol=1e-9)
    terms, counts = np.unique(words["train-0"], return_counts=True)
    assert word.vocabulary_list == tuple(terms[np.lexsort((terms, counts))[::-1]])
    assert 0 < names["features"].counts.too_long.count < 700
    assert names["features"].counts.records + names["features"].counts.too_long.count == 700
    assert names["again"].counts.batches == names["again"].steps_per_epoch


def test_no_page_imports_what_is_not_public():
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        programs = re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), re.S)
        assert not [
            line for program in programs for line in program.splitlines() if "tfx_sequences.components" in line
        ], page
