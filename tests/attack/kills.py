"""Commands in processes of their own, which get a signal at a point that their files show; they know nothing of it."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

# Until then, a point must have come.
_PATIENCE = 600
# Between two looks.
_SLICE = 0.001
# A process that a killed one started notices at its next read that its parent has ended.
_ENDS_WITHIN = 60
LEFTOVERS = ("**/.tfx-sequences-*", "**/*.partial")


@dataclasses.dataclass(frozen=True)
class Ended:
    """How a command ended, and how long that took after the signal."""

    code: int
    printed: str
    seconds: float


@dataclasses.dataclass(frozen=True)
class Point:
    """A place in a command.

    Attributes:
        reached: Whether it is there, by the files below its output.
        near: Whether it is close: from then on it runs for a moment only between two looks, as in a debugger. None:
            it stays long enough at the point to be seen.
    """

    reached: Callable[[Path], bool]
    near: Callable[[Path], bool] | None = None


class PointMissedError(Exception):
    """The command ended before the point was seen."""


def hit(words: Sequence[str], number: signal.Signals, point: Point, output: Path) -> Ended:
    """Runs a command and sends it a signal at a point.

    Raises:
        PointMissedError: It ended before that.
        AssertionError: A process that it had started lives on.
    """
    command = [sys.executable, "-m", "tfx_sequences", *map(str, words)]
    process = subprocess.Popen(
        command, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    deadline = time.monotonic() + _PATIENCE
    try:
        stopped = False
        while not point.reached(output):
            if process.poll() is not None:
                raise PointMissedError(process.stdout.read())
            assert time.monotonic() < deadline, "the point did not come"
            if stopped:
                process.send_signal(signal.SIGCONT)
            time.sleep(_SLICE)
            if stopped or (point.near and point.near(output)):
                process.send_signal(signal.SIGSTOP)
                stopped = True
        process.send_signal(number)
        process.send_signal(signal.SIGCONT)
        sent = time.monotonic()
        printed, _ = process.communicate(timeout=_PATIENCE)
        ended = Ended(process.returncode, printed, time.monotonic() - sent)
        while (left := in_session(process.pid)) and time.monotonic() < sent + ended.seconds + _ENDS_WITHIN:
            time.sleep(0.1)
        assert left == [], "processes of the command live on"
        return ended
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def in_session(leader: int) -> list[str]:
    """The command lines of the running processes of a session."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            after_name = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(after_name[3]) == leader and after_name[0] != "Z":
                found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
    return found


def whole(words: Sequence[str]) -> str:
    """Runs a command to its end, and returns what it printed."""
    command = [sys.executable, "-m", "tfx_sequences", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def some(folder: Path, *patterns: str) -> bool:
    """Whether a file or folder has one of the names; folders may vanish meanwhile."""
    try:
        return any(next(folder.glob(pattern), None) is not None for pattern in patterns)
    except OSError:
        return False


def in_an_epoch(folder: Path, pattern: str) -> bool:
    """Whether a backup of the middle of an epoch is there; a backup is replaced as a whole."""
    for backup in folder.glob(pattern):
        with contextlib.suppress(FileNotFoundError), np.load(backup) as stored:
            position = json.loads(stored["plain"].tobytes())["position"]
            return position["epoch"] >= 1 and position["step"] >= 1
    return False


def weights(model: Path) -> dict[str, np.ndarray]:
    """The weights of an exported model."""
    with np.load(model / "assets.extra" / "tfx_sequences_weights.npz") as stored:
        return {name: stored[name] for name in stored.files}


def files_of(folder: Path) -> dict[str, bytes]:
    """The contents of all files of a folder, or of the one file."""
    if folder.is_file():
        return {"": folder.read_bytes()}
    return {str(f.relative_to(folder)): f.read_bytes() for f in sorted(folder.rglob("*")) if f.is_file()}
