"""README's "Your own rows": from the bundled CSV to a served model."""

from __future__ import annotations

import http.client
import importlib.util
import json
import re
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tfx_sequences.components.records.framing import read_records
from tfx_sequences.components.rows.frames import records_from_rows
from tfx_sequences.components.rows.ingestion import ingest
from tfx_sequences.components.serving.loaded_model import load_model
from tfx_sequences.pipeline.commands.cli import main
from tfx_sequences.pipeline.rest.rest_server import RestServer
from tfx_sequences.schemas.spec.spec_io import load_spec

ROOT = Path(__file__).parents[1]
VISITS = ROOT / "examples" / "rows" / "visits.csv"


@pytest.fixture(scope="module")
def maker():
    module_spec = importlib.util.spec_from_file_location("make_visits", VISITS.with_name("make_visits.py"))
    module = importlib.util.module_from_spec(module_spec)
    module_spec.loader.exec_module(module)
    return module


def commands():
    [section] = re.findall(r"^## Your own rows\n(.*?)^## ", (ROOT / "README.md").read_text("utf-8"), re.S | re.M)
    [block] = re.findall(r"```sh\n(.*?)```", section, re.S)
    lines = [shlex.split(line) for line in block.splitlines()]
    assert [words[:2] for words in lines] == [["tfx-sequences", name] for name in ("propose", "run", "serve")]
    return [words[1:] for words in lines]


def test_the_file_is_what_its_program_makes(maker, tmp_path):
    maker.main(tmp_path / "visits.csv")
    assert (tmp_path / "visits.csv").read_bytes() == VISITS.read_bytes()
    text = (ROOT / "README.md").read_text("utf-8")
    assert f"{len(maker.visits()):,} pages of {maker.VISITORS} visitors" in text


def test_its_structure_is_found(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    propose, _, _ = commands()
    assert main(propose) == 0
    spec = load_spec("visits.yaml")
    assert (spec.rows.group_by, spec.rows.order_by, spec.rows.session_gap) == (("visitor_id",), "time", "1h")
    assert (list(spec.context), sorted(spec.sequence)) == (["country"], ["page", "seconds", "time"])
    assert (spec.label.key, spec.label.per_step) == ("label", False)


@pytest.mark.slow
def test_the_commands_give_a_model_that_learnt_the_order_of_pages(tmp_path, monkeypatch, maker, capfd):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    propose, run, _ = commands()
    assert main(propose) == 0
    assert main(run) == 0, capfd.readouterr().err
    assert "in records" in capfd.readouterr().out
    report = json.loads(Path("out/report.json").read_text())
    assert report["blessed"]
    frame = pd.read_csv(VISITS)
    # Splits are disjoint by visitor, and every visit is a record.
    assert sum(1 for _ in Path("out/records").glob("*/*.tfrecord")) == 3
    model = load_model("out")
    assert frame.visitor_id.nunique() == maker.VISITORS
    visits = {"bought": ["product", "cart", "home"], "left": ["cart", "product", "home"]}
    rows = [
        {"visitor_id": label, "time": f"2024-05-01T10:0{step}:00Z", "page": page, "seconds": 20.0, "country": "NO"}
        for label, pages in visits.items()
        for step, page in enumerate(pages)
    ]
    answers = model.predict_rows(rows).outputs["predicted_class"]
    assert [answer.decode() for answer in answers] == [*visits]
    check_equality(model, frame, tmp_path)


def check_equality(model, frame, folder):
    """Training on rows and on the records of `ingest` is the same, and serving rows gives exactly the same answers."""
    ingest(load_spec("visits.yaml"), VISITS, folder / "ingested")
    trained = [record for path in Path("out/records").glob("*/*.tfrecord") for record in read_records(path)]
    stored = [record for path in (folder / "ingested").iterdir() for record in read_records(path)]
    assert sorted(trained) == sorted(stored)
    frame = frame[frame.visitor_id.isin(frame.visitor_id.unique()[:40])]
    records = list(records_from_rows(frame, model.spec))
    assert {*records} < {*stored}
    # One call of the model each, because batches of other sizes round otherwise.
    assert len(records) <= 256
    expected = model.run("serving_default", {"examples": np.array(records, object)})["scores"]
    found = model.predict_rows(frame)
    np.testing.assert_array_equal(found.outputs["scores"], expected)
    with RestServer(model, "visits") as server:
        connection = http.client.HTTPConnection(*server.address, timeout=120)
        body = json.dumps({"rows": frame.drop(columns="label").to_dict("records")})
        connection.request("POST", "/v1/models/visits:predictRows", body)
        lines = json.loads(connection.getresponse().read())["predictions"]
    classes = [name.decode() for name in found.outputs["classes"][0]]
    served = [[line["scores"][name] for name in classes] for line in lines]
    np.testing.assert_array_equal(np.array(served, np.float32), expected)
