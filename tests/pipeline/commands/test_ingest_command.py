"""`tfx-sequences ingest` from the command line."""

from __future__ import annotations

import io
from collections import Counter

import pytest

from tests.rows import SPEC, frame_of
from tfx_sequences.components.records.framing import check_framing
from tfx_sequences.components.rows.row_counts import RowCounts
from tfx_sequences.pipeline.commands.capture import Capture
from tfx_sequences.pipeline.commands.cli import main
from tfx_sequences.pipeline.commands.ingest_command import shown_progress


def arguments(tmp_path, *more):
    (tmp_path / "spec.yaml").write_text(SPEC + "rows: {group_by: [user], order_by: ts, min_steps: 2}\n")
    folders = {name: str(tmp_path / name) for name in ("spec.yaml", "rows.csv", "out")}
    return ["ingest", folders["spec.yaml"], "--data", folders["rows.csv"], "--output", folders["out"], *more]


def test_a_table_says_what_became_of_the_rows(tmp_path, capfd):
    frame = frame_of(400, users=50)
    frame.loc[8, "user"] = None
    frame.to_csv(tmp_path / "rows.csv", index=False)
    assert main(arguments(tmp_path, "--shards", "2", "--rejected", str(tmp_path / "aside"))) == 0
    out = capfd.readouterr().out
    assert f"Rejected: {tmp_path}/rows.csv, line" in out and "no value in 'user'" in out
    figures = dict(line.strip(" │┃").rsplit(None, 1) for line in out.splitlines() if line.rstrip(" │┃")[-1:].isdigit())
    figures = {name.strip(" │┃"): int(number.replace(",", "")) for name, number in figures.items()}
    assert figures["read, in 1 file"] == 400 == figures["in records"] + figures["rejected"] + figures["cut"]
    written = sum(check_framing(path) for path in (tmp_path / "out").iterdir())
    assert written == sum(number for name, number in figures.items() if name.startswith("records of"))
    assert (tmp_path / "aside" / "rejected.jsonl").read_text().count("\n") == 1


def test_bad_input_ends_with_its_code_and_message(tmp_path, capfd):
    frame_of(30).drop(columns="page").to_csv(tmp_path / "rows.csv", index=False)
    assert main(arguments(tmp_path)) == 2
    assert "No row has the column 'page'" in capfd.readouterr().err
    assert not (tmp_path / "out").exists()


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self):
        return True


@pytest.mark.parametrize("stream", [Terminal, io.StringIO])
def test_a_terminal_shows_the_progress_and_a_file_does_not(tmp_path, monkeypatch, stream):
    monkeypatch.setenv("TERM", "xterm")
    capture = Capture(tmp_path / "log", io.StringIO(), stream())
    with shown_progress(capture) as progress:
        progress(RowCounts(read=12_345, records=Counter(train=1_200)))
    shown = capture.error_console.file.getvalue()
    assert ("12,345 rows read, 1,200 records written" in shown) == (stream is Terminal)
    assert bool(shown) == (stream is Terminal)
