import json

import pytest

from tests.attack.tally import Tally


def test_counts_are_kept_by_route_and_outcome(tmp_path):
    tally = Tally()
    tally.add("reader", "answered", 3)
    tally.add("reader", "refused")
    tally.add("predict", "counted", 2)
    assert tally.tried("reader") == 4
    assert tally.tried("serve") == 0
    assert [line.split() for line in tally.lines()][1] == ["reader", "4", "3", "1", "0", "0", "0"]
    tally.write(tmp_path / "tally.json")
    assert json.loads((tmp_path / "tally.json").read_text()) == {
        "reader": {"answered": 3, "refused": 1},
        "predict": {"counted": 2},
    }


def test_an_unknown_outcome_is_an_error():
    with pytest.raises(ValueError, match="unknown outcome 'fine'"):
        Tally().add("reader", "fine")


def test_rounds_have_seeds_that_differ(rounds, monkeypatch):
    drawn = [generator.integers(1 << 60) for generator in rounds(5)]
    assert len(set(drawn)) == 5
