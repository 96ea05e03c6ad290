"""The page on the architecture: its picture has the order of the wings, its walks lead along files that exist."""

import re
from pathlib import Path

import pytest

from tests.test_house import PACKAGE, WINGS

PAGE = (Path(__file__).parents[1] / "docs" / "architecture.md").read_text("utf-8")
MOST_STEPS = 10
FILE = re.compile(r"`((?:\w+/)*\w+\.py)`")
WALKS = re.findall(r"^## (.*way.*)\n\n((?:\d+\. .*\n)+)", PAGE, re.M)


def test_the_picture_is_that_of_the_tested_order():
    [picture] = re.findall(r"```\n(.*?)```", PAGE, re.S)
    assert [re.split(r"  +", line)[0] for line in picture.splitlines()] == [*reversed(WINGS)]


def test_every_wing_of_the_picture_says_what_it_is_for():
    [picture] = re.findall(r"```\n(.*?)```", PAGE, re.S)
    assert all(len(re.split(r"  +", line)) == 2 for line in picture.splitlines())


def test_there_are_three_walks():
    assert len(WALKS) == 3
    assert all(len(steps.splitlines()) <= MOST_STEPS for _, steps in WALKS)


@pytest.mark.parametrize("walk", WALKS, ids=lambda walk: walk[0])
def test_every_step_of_a_walk_names_a_file_that_exists(walk):
    title, steps = walk
    for step in steps.splitlines():
        files = FILE.findall(step)
        assert files, f"{title}: a step without a file: {step}"
        assert [f for f in files if not (PACKAGE / f).is_file()] == [], f"{title}: no such file in: {step}"


def test_every_other_file_of_the_page_exists():
    files = [f for f in FILE.findall(PAGE) if not f.endswith("__init__.py")]
    root = PACKAGE.parent
    assert [f for f in files if not (PACKAGE / f).is_file() and not (root / f).is_file()] == []
