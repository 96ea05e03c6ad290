"""What all attacks share: the tally, which is printed at the end, and how much there is to try.

TFX_SEQUENCES_ATTACK_HOURS: attacks share this time; without it, each tries its own fixed number of inputs.
TFX_SEQUENCES_ATTACK_TALLY: file that gets the counts as JSON.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.attack.tally import Tally

_TALLY = pytest.StashKey[Tally]()
_ATTACKS = pytest.StashKey[int]()


@pytest.fixture(scope="session")
def tally(request) -> Tally:
    """What became of everything tried."""
    return request.config.stash.setdefault(_TALLY, Tally())


@pytest.fixture
def rounds(request) -> Callable[[int], Iterator[np.random.Generator]]:
    """`rounds(n)`: n generators of numbers with the seeds 0 to n - 1, or with more seeds as long as the hours last."""
    hours = float(os.environ.get("TFX_SEQUENCES_ATTACK_HOURS") or 0)

    def generators(number: int) -> Iterator[np.random.Generator]:
        ends = time.monotonic() + hours * 3600 / request.config.stash[_ATTACKS]
        seed = 0
        while seed < number or time.monotonic() < ends:
            yield np.random.default_rng(seed)
            seed += 1

    return generators


def pytest_collection_finish(session) -> None:
    using = [item for item in session.items if "rounds" in getattr(item, "fixturenames", ())]
    session.config.stash[_ATTACKS] = max(1, len(using))


def pytest_terminal_summary(terminalreporter, config) -> None:
    tally = config.stash.get(_TALLY, None)
    if tally is None or not tally.counts:
        return
    terminalreporter.section("what became of everything tried")
    for line in tally.lines():
        terminalreporter.line(line)
    file = os.environ.get("TFX_SEQUENCES_ATTACK_TALLY")
    if file:
        tally.write(Path(file))
