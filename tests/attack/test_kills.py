"""Commands are killed at named points, and run again: the result is that of a command that nobody disturbed.

TFX_SEQUENCES_KILLS=all: every command, signal and point, as a table in the file TFX_SEQUENCES_KILLS_TABLE; otherwise
some of them.
"""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest

from tests.attack.kills import LEFTOVERS, Point, PointMissedError, files_of, hit, in_an_epoch, some, weights, whole
from tests.rows import SPEC, frame_of
from tfx_sequences.schemas.spec.spec_io import load_spec, spec_to_yaml

DATA = Path(__file__).parents[2] / "tfx_sequences" / "examples_data" / "japanese_vowels"
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
CODES = {signal.SIGKILL: -9, signal.SIGTERM: 143, signal.SIGINT: 130}
_ALL = os.environ.get("TFX_SEQUENCES_KILLS") == "all"
_TRIES = 3

FIT, RUN = "artifacts/fit", "artifacts"
# Where a command is, by its files below the folder of its output.
POINTS: dict[str, dict[str, Point]] = {
    "fit": {
        "analysis": Point(lambda out: some(out, f"{FIT}/data/*/graph/*")),
        "epoch": Point(lambda out: in_an_epoch(out, f"{FIT}/backups/*/training_backup.npz")),
        "backup": Point(
            lambda out: some(out, f"{FIT}/backups/*/.training_backup.npz.*"), lambda out: some(out, f"{FIT}/backups/*")
        ),
        "export": Point(lambda out: some(out, f"{FIT}/model/variables", f"{FIT}/model/saved_model.pb*")),
        "evaluation": Point(lambda out: some(out, f"{FIT}/training.json")),
        "push": Point(
            lambda out: some(out, "pushed_model/.tfx-sequences-*/*"), lambda out: some(out, f"{FIT}/naive.json")
        ),
        "report": Point(
            lambda out: some(out, ".report.*", "report.json"), lambda out: some(out, "pushed_model/[0-9]*")
        ),
    },
    "run": {
        "analysis": Point(lambda out: some(out, f"{RUN}/Transform/*/*")),
        "epoch": Point(lambda out: in_an_epoch(out, f"{RUN}/backups/*/training_backup.npz")),
        "export": Point(lambda out: some(out, f"{RUN}/SequenceTrainer/model/*/Format-Serving/*")),
        "evaluation": Point(lambda out: some(out, f"{RUN}/Evaluator/*/*")),
        "push": Point(lambda out: some(out, f"{RUN}/Pusher/*/*")),
        "report": Point(
            lambda out: some(out, ".report.*", "report.json"), lambda out: some(out, "pushed_model/[0-9]*")
        ),
    },
    "predict": {"predict": Point(lambda out: some(out.parent, f".{out.name}.*.partial"))},
    "ingest": {
        "reading": Point(lambda out: some(out.parent, ".tfx-sequences-rows-*")),
        "writing": Point(lambda out: some(out.parent, ".tfx-sequences-building-*/*")),
    },
}
FEW = [
    ("fit", signal.SIGKILL, "backup"),
    ("fit", signal.SIGTERM, "push"),
    ("predict", signal.SIGINT, "predict"),
    ("ingest", signal.SIGKILL, "reading"),
    ("ingest", signal.SIGTERM, "writing"),
    ("ingest", signal.SIGKILL, "writing"),
]
EVERY = [(command, number, point) for command in POINTS for point in POINTS[command] for number in SIGNALS]


class Undisturbed:
    """The commands' words but for the output, and the outputs of commands that nobody disturbed.

    Args:
        folder: For everything that is read and written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._done: dict[str, Path] = {}
        spec = load_spec("japanese_vowels")
        changes = {"epochs": 8, "early_stopping_patience": None, "folds": 1, "refit": False}
        training = spec.training.model_validate({**spec.training.model_dump(), **changes, "backup": {"every_steps": 2}})
        model = spec.model.model_copy(update={"units": (8,)})
        evaluation = spec.evaluation.model_copy(update={"thresholds": {}})
        spec = spec.model_copy(update={"training": training, "evaluation": evaluation, "model": model})
        (folder / "spec.yaml").write_text(spec_to_yaml(spec))
        (folder / "rows.yaml").write_text(SPEC + "rows: {group_by: [user], order_by: ts, min_steps: 2}\n")
        frame_of(100_000, users=10_000).to_csv(folder / "rows.csv", index=False)

    def words(self, command: str) -> list[str]:
        """The words of the command; the name of the output follows."""
        if command == "predict":
            return ["predict", str(self.output("fit")), str(DATA), "--output"]
        spec, data = ("rows.yaml", self._folder / "rows.csv") if command == "ingest" else ("spec.yaml", DATA)
        return [command, str(self._folder / spec), "--data", str(data), "--output"]

    def output(self, command: str) -> Path:
        """What the command has written."""
        if command not in self._done:
            whole([*self.words(command), str(self._folder / command)])
            self._done[command] = self._folder / command
        return self._done[command]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    return Undisturbed(tmp_path_factory.mktemp("undisturbed"))


def models_of(command, output):
    models = (
        output.glob("artifacts/SequenceTrainer/model/*/Format-Serving")
        if command == "run"
        else [output / FIT / "model"]
    )
    return [model for model in models if (model / "assets.extra" / "tfx_sequences_weights.npz").is_file()]


def check_what_is_left(command, output):
    """After a signal, everything with a final name is whole."""
    if command in ("predict", "ingest"):
        assert not output.exists()
        return
    for version in output.glob("pushed_model/[0-9]*"):
        assert (version / "saved_model.pb").is_file() and weights(version)
    if (report := output / "report.json").exists():
        json.loads(report.read_text())
    for page in output.glob("*.html"):
        assert page.read_text().rstrip().endswith("</html>")


def check_equal(command, output, expected):
    if command in ("predict", "ingest"):
        assert files_of(output) == files_of(expected)
        return
    reports = [json.loads((folder / "report.json").read_text()) for folder in (output, expected)]
    for part in ("metrics", "blessed", "slices", "plots", "counted"):
        assert reports[0][part] == reports[1][part], part
    [model], [other] = models_of(command, output)[-1:], models_of(command, expected)[-1:]
    after, before = weights(model), weights(other)
    assert after.keys() == before.keys()
    for name, array in before.items():
        np.testing.assert_array_equal(after[name], array, err_msg=name)
    # Of the versions that were pushed, all are that model.
    for version in output.glob("pushed_model/[0-9]*"):
        for name, array in before.items():
            np.testing.assert_array_equal(weights(version)[name], array, err_msg=name)


@pytest.mark.parametrize(("command", "number", "point"), EVERY if _ALL else FEW)
def test_a_command_that_got_a_signal_and_runs_again_is_as_if_undisturbed(
    command, number, point, undisturbed, tmp_path, tally, interrupts
):
    words, expected = undisturbed.words(command), undisturbed.output(command)
    for attempt in range(_TRIES):
        output = tmp_path / str(attempt) / "out"
        output.parent.mkdir()
        try:
            ended = hit([*words, str(output)], number, POINTS[command][point], output)
            break
        except PointMissedError:
            continue
    else:
        raise AssertionError(f"{point} was never seen")
    # A command may have ended between the look and the signal.
    assert ended.code in (CODES[number], 0), ended.printed
    assert "Traceback" not in ended.printed and "bug" not in ended.printed
    if ended.code in (143, 130):
        assert "Stopped" in ended.printed
    if ended.code:
        check_what_is_left(command, output)
        whole([*words, str(output)])
    check_equal(command, output, expected)
    assert [path for pattern in LEFTOVERS for path in output.parent.glob(pattern)] == []
    tally.add(f"{command} {number.name} {point}", "answered")
    _note(command, number, point, ended)


def _note(command, number, point, ended):
    """A row of the table, if one is written."""
    table = os.environ.get("TFX_SEQUENCES_KILLS_TABLE")
    if table:
        with open(table, "a", encoding="utf-8") as file:
            file.write(f"| {command} | {point} | {number.name} | {ended.code} | {ended.seconds:.1f} | equal |\n")
