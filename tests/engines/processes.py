"""Processes on loopback that end with their owner: their logs, and whether they listen yet."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path


def free_port() -> int:
    """A port of loopback that nothing listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_until(true: Callable[[], object], what: str, seconds: float = 90) -> None:
    """Looks every quarter of a second whether something is true.

    Raises:
        TimeoutError: It did not become so.
    """
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not happen within {seconds:g} s")
        time.sleep(0.25)


class Processes:
    """Starts processes, each in a group of its own, and ends them all.

    Args:
        logs: Folder of their logs, one file for each name.
    """

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        logs.mkdir(parents=True, exist_ok=True)

    def start(self, name: str, command: Sequence[str], env: Mapping[str, str] | None = None, cwd: Path | None = None):
        """Starts one; its output goes to a file of its name."""
        with open(self._logs / f"{name}.log", "ab") as log:
            self._running[name] = subprocess.Popen(
                [*map(str, command)],
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env=None if env is None else {**env},
                cwd=cwd or self._logs,
                start_new_session=True,
            )

    def wait_for_port(self, name: str, port: int, seconds: float = 90) -> None:
        """Until the process listens.

        Raises:
            RuntimeError: It ended, or does not listen in time; with the end of its log.
        """

        def listens() -> bool:
            if self._running[name].poll() is not None:
                raise RuntimeError(f"{name} ended with {self._running[name].returncode}:\n{self.log_end(name)}")
            with socket.socket() as client:
                client.settimeout(1)
                return client.connect_ex(("127.0.0.1", port)) == 0

        try:
            wait_until(listens, f"{name} to listen on port {port}", seconds)
        except TimeoutError as error:
            raise RuntimeError(f"{error}:\n{self.log_end(name)}") from None

    def log_end(self, name: str, lines: int = 30) -> str:
        """The last lines of its log."""
        return "\n".join((self._logs / f"{name}.log").read_text("utf-8", "replace").splitlines()[-lines:])

    def pid(self, name: str) -> int:
        """Its process id."""
        return self._running[name].pid

    def runs(self, name: str) -> bool:
        """Whether it was started and has not ended."""
        return name in self._running and self._running[name].poll() is None

    def kill(self, name: str) -> None:
        """SIGKILL to it and all it started: nothing is cleaned up."""
        _kill_group(self._running.pop(name), signal.SIGKILL)

    def end_all(self) -> None:
        """Ends them, the newest first."""
        while self._running:
            _, process = self._running.popitem()
            _kill_group(process, signal.SIGTERM)


def _kill_group(process: subprocess.Popen[bytes], number: int) -> None:
    for wanted in (number, signal.SIGKILL):
        # A group outlives its leader as long as a child of it runs.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, wanted)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=10)
