"""Shows a run on the terminal: one line per component, driven by TFX's log messages."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Protocol

from rich.console import Console
from rich.live import Live
from rich.measure import Measurement
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from tfx_sequences.components.training.progress_messages import EPOCH, WITHIN_EPOCH

State = Literal["waiting", "running", "done", "cached", "failed"]
_MARKS = {
    "waiting": Text("·", "dim"),
    "done": Text("✓", "green"),
    "cached": Text("✓", "cyan"),
    "failed": Text("✗", "red"),
}

_WIDEST = 10_000


@dataclass
class _Row:
    state: State = "waiting"
    started: float = 0.0
    seconds: float = 0.0
    note: str = ""


class RunProgress:
    """Shows one line per component of a run: name, state, time. Use it as a context manager.

    A terminal shows all lines and updates them; any other output (a file, CI) gets a
    line when a component finishes. Calling a method twice does no harm.

    Args:
        console: Where to show it.
        quiet: Show nothing.
        clock: Gives seconds.

    >>> import io
    >>> with RunProgress(Console(file=io.StringIO(), width=60), clock=lambda: 0.0) as progress:
    ...     progress.plan(["SchemaGen", "Trainer"])
    ...     progress.start("SchemaGen")
    ...     progress.finish("SchemaGen", cached=True)
    >>> print(progress.console.file.getvalue(), end="")
    SchemaGen                 cached       0.0 s
    """

    def __init__(
        self,
        console: Console,
        *,
        quiet: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.console = console
        self._rows: dict[str, _Row] = {}
        self._activity = ""
        self._clock = clock
        self._plain = not quiet and not console.is_terminal
        self._spinner = Spinner("dots")
        self._live: Live | None = None
        if console.is_terminal and not quiet:
            # The streams are already captured, and Live must not replace them.
            self._live = Live(
                get_renderable=self._render, console=console, redirect_stdout=False, redirect_stderr=False
            )

    def __enter__(self) -> RunProgress:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._activity = ""
        if kind is not None:
            for name in [n for n, row in self._rows.items() if row.state == "running"]:
                self.fail(name)
        if self._live:
            self._live.stop()

    def activity(self, text: str) -> None:
        """Shows what is happening before the first component."""
        self._activity = text
        if self._plain:
            self.console.print(Text(text), soft_wrap=True)

    def plan(self, names: Iterable[str]) -> None:
        """Announces the components, in order."""
        for name in names:
            self._rows.setdefault(name, _Row())

    def start(self, name: str) -> None:
        """The component has started."""
        self._activity = ""
        if self._rows.get(name, _Row()).state == "waiting":
            self._rows[name] = _Row("running", self._clock())

    def note(self, text: str) -> None:
        """Shows the progress of the running component next to its name; only a terminal shows it."""
        for row in self._rows.values():
            if row.state == "running":
                row.note = text

    def finish(self, name: str, cached: bool = False) -> None:
        """The component is finished; `cached` means that an earlier result was reused."""
        self._end(name, "cached" if cached else "done")

    def fail(self, name: str) -> None:
        """The component ended with an error."""
        self._end(name, "failed")

    def _end(self, name: str, state: State) -> None:
        row = self._rows.get(name)
        if row is None or row.state != "running":
            return
        row.state, row.seconds = state, self._clock() - row.started
        if self._plain:
            self.console.print(Text(f"{name:<25} {state:<7} {row.seconds:>8.1f} s"))

    def _render(self) -> Table:
        grid = Table.grid(padding=(0, 2))
        grid.add_column()
        grid.add_column()
        grid.add_column(justify="right")
        grid.add_column()
        # A copy, because the display calls this from its own thread.
        for name, row in list(self._rows.items()):
            seconds = self._clock() - row.started if row.state == "running" else row.seconds
            grid.add_row(
                self._spinner if row.state == "running" else _MARKS[row.state],
                Text(name, "dim" if row.state == "waiting" else ""),
                "" if row.state == "waiting" else f"{seconds:.1f} s",
                Text(_words(row), "dim", overflow="ellipsis", no_wrap=True),
            )
        if self._activity:
            grid.add_row(self._spinner, Text(self._activity))
        return grid


def _words(row: _Row) -> str:
    if row.state == "running" and row.note:
        return row.note
    return "" if row.state in ("waiting", "done") else row.state


def print_table(console: Console, table: Table) -> None:
    """Prints a table; if the console is not a terminal, the table is as wide as its cells need.

    rich treats a file or a pipe as a terminal of 80 columns, and cuts off what does not fit.

    >>> import io
    >>> console = Console(file=io.StringIO())
    >>> print_table(console, Table("x" * 100))
    >>> "x" * 100 in console.file.getvalue()
    True
    """
    if console.is_terminal:
        console.print(table)
        return
    options = console.options.update(width=_WIDEST)
    width = Measurement.get(console, options, table).maximum
    Console(file=console.file, width=width, highlight=False).print(table)


class ComponentListener(Protocol):
    """An object that is notified which component runs: a `RunProgress`, or anything with these methods."""

    def start(self, name: str) -> None:
        """The component has started."""

    def finish(self, name: str, cached: bool) -> None:
        """The component is finished; `cached` means that an earlier result was reused."""

    def note(self, text: str) -> None:
        """The progress of the running component."""


class ComponentLogHandler(logging.Handler):
    """Forwards log messages of TFX's LocalDagRunner and launcher, and of our training, to a listener.

    These have no other hook. The handler matches the constant format strings, not the formatted text.
    """

    RUNNING = "Component %s is running."
    FINISHED = "Component %s is finished."
    CACHED = "A cached execution %d is used."

    def __init__(self, listener: ComponentListener) -> None:
        super().__init__(logging.INFO)
        self._listener = listener
        self._cached = False

    def emit(self, record: logging.LogRecord) -> None:
        """Notifies the listener, if the record is one of these messages."""
        if record.msg == self.CACHED:
            self._cached = True
        elif record.msg in (self.RUNNING, self.FINISHED) and isinstance(record.args, tuple) and record.args:
            name = str(record.args[0])
            if record.msg == self.RUNNING:
                self._cached = False
                self._listener.start(name)
            else:
                self._listener.finish(name, cached=self._cached)
        elif record.msg in (EPOCH, WITHIN_EPOCH):
            self._listener.note(record.getMessage())

    @contextlib.contextmanager
    def attached(self) -> Iterator[ComponentLogHandler]:
        """Listens to absl's logger, which TFX uses, inside the context."""
        from absl import logging as absl_logging

        logger = absl_logging.get_absl_logger()
        before = absl_logging.get_verbosity(), logger.level
        # TensorFlow remembers absl's verbosity and restores it whenever it saves a model,
        # so setting the logger's level alone would not last.
        absl_logging.set_verbosity(max(before[0], absl_logging.INFO))
        logger.addHandler(self)
        try:
            yield self
        finally:
            logger.removeHandler(self)
            absl_logging.set_verbosity(before[0])
            logger.setLevel(before[1])
