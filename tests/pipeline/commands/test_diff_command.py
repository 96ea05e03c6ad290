"""`tfx-sequences diff`: changes of specs, and of models by their cards."""

import json

import pytest

from tfx_sequences.pipeline.commands.cli import main
from tfx_sequences.pipeline.commands.diff_command import model_changes

SPEC = {"name": "s", "sequence": {"x": {"type": "numeric"}}, "label": {"key": "y"}}
CARD = {
    "classes": {"label": ["a", "b"], "other": ["c"]},
    "transform": {"digest": "1", "vocabularies": {"token": {"digest": "v1", "terms": 7}}},
}


@pytest.fixture
def difference(tmp_path, capfd):
    """The exit code and the lines of the command for two specs."""

    def between(before, after):
        paths = [tmp_path / "a.yaml", tmp_path / "b.yaml"]
        for path, changes in zip(paths, (before, after), strict=True):
            path.write_text(json.dumps({**SPEC, **changes}))
        code = main(["diff", *map(str, paths)])
        return code, capfd.readouterr().out.splitlines()

    return between


def test_changes_that_decide_what_predictions_mean_are_marked(difference):
    assert difference({}, {}) == (0, ["No difference."])
    code, lines = difference({"training": {"epochs": 3}}, {"training": {"epochs": 9}})
    assert (code, len(lines)) == (1, 1) and lines == ["  training: epochs was 3, is 9"]
    code, lines = difference({}, {"label": {"key": "z"}})
    assert code == 1 and lines[0].startswith("! label")


def test_equal_cards_have_no_changes():
    assert model_changes(CARD, CARD) == []
    # Models of earlier versions have no transform in their cards.
    assert model_changes({"classes": {}}, {"classes": {}}) == []


@pytest.mark.parametrize(
    ("change", "lines"),
    [
        ({"classes": {"label": ["b", "a"], "other": ["c"]}}, ["label: classes were 'a', 'b', are 'b', 'a'"]),
        # A head that only one model has is a change of the spec.
        ({"classes": {"label": ["a", "b"], "new": ["d"]}}, []),
        (
            {"transform": {"digest": "2", "vocabularies": {"token": {"digest": "v2", "terms": 8}}}},
            ["token: had 7 terms, has 8, not the same"],
        ),
        (
            {"transform": {**CARD["transform"], "digest": "2"}},
            ["the transform graph: computed from other data, or by other code"],
        ),
    ],
)
def test_models_differ_by_classes_vocabularies_and_statistics(change, lines):
    assert model_changes(CARD, {**CARD, **change}) == lines
