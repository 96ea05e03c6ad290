from tfx_sequences.pipeline.local.evaluation_figures import (
    MOST_CLASSES,
    confusion_table,
    metric_rows,
    naive_table,
    score_picture,
    table,
)


def test_ranges_of_steps_have_one_count_for_all_heads():
    rows = {
        "0-4": {"tag.accuracy": 0.5, "tag.step_count": 12.0, "level.step_count": 12.0},
        "5 and more": {"tag.step_count": 3.0},
    }
    assert table(rows) == (["tag.accuracy", "steps"], {"0-4": ["0.5000", "12"], "5 and more": ["", "3"]})


def test_steps_that_were_cut_off_are_told():
    assert table({"all": {"example_count": 2.0, "cut_step_count": 3.0}})[0] == ["records", "steps cut off"]
    assert table({"all": {"example_count": 2.0, "cut_step_count": 0.0}})[0] == ["records"]


def test_of_many_classes_the_most_frequent_mistakes_are_told():
    right = [[f"c{n}", f"c{n}", 5.0] for n in range(MOST_CLASSES + 1)]
    found = confusion_table([*right, ["c1", "c2", 2.5], ["c2", "c1", 3.0]])
    assert found == {"mistakes": [("c2", "c1", "3"), ("c1", "c2", "2.5")]}


def test_without_scores_there_is_no_picture():
    assert score_picture({"confusion": []}) == ""
    curve = [[t / 4, 4 - t, 2 - t / 2, t / 2, t] for t in range(5)]
    assert len(score_picture({"curve": curve, "calibration": [[0.0, 0.0, 0.0], [4.0, 1.0, 2.0]]})) > 1000


def test_naive_figures_stand_beside_those_that_have_some():
    naive = {
        "accuracy": [
            {"answer": "most frequent for each 'token'", "value": 0.74},
            {"answer": "majority class", "value": 0.48},
        ],
        "auc": [],
    }
    assert metric_rows({"accuracy": 0.5, "auc": 0.5, "example_count": 2.0}, naive) == [
        ("accuracy", "0.5000 (naive 0.7400: most frequent for each 'token')"),
        ("auc", "0.5000"),
        ("records", "2"),
    ]
    assert naive_table(naive) == (
        ["accuracy"],
        {"most frequent for each 'token'": ["0.7400"], "majority class": ["0.4800"]},
    )
