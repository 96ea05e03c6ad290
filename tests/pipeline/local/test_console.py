from __future__ import annotations

import io
import logging
import time
from importlib import util
from pathlib import Path

import pytest
from absl import logging as absl_logging
from rich.console import Console

from tfx_sequences.components.training.progress_messages import EPOCH, WITHIN_EPOCH
from tfx_sequences.pipeline.local.console import ComponentLogHandler, RunProgress


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def plain_console() -> Console:
    return Console(file=io.StringIO(), width=80)


def text_of(console: Console) -> str:
    return console.file.getvalue()


def test_plain_output_is_one_line_per_finished_component():
    console, clock = plain_console(), Clock()
    with RunProgress(console, clock=clock) as progress:
        progress.activity("Checking the records")
        progress.plan(["ExampleGen", "Transform", "Trainer"])
        for name, seconds, cached in [("ExampleGen", 1.5, False), ("Transform", 0.25, True), ("Trainer", 61, False)]:
            progress.start(name)
            clock.now += seconds
            progress.finish(name, cached=cached)
    assert text_of(console).splitlines() == [
        "Checking the records",
        "ExampleGen                done         1.5 s",
        "Transform                 cached       0.2 s",
        "Trainer                   done        61.0 s",
    ]


def test_what_is_told_twice_or_out_of_order_counts_once():
    console = plain_console()
    with RunProgress(console, clock=Clock()) as progress:
        progress.finish("Trainer", cached=False)
        progress.start("Trainer")
        progress.start("Trainer")
        progress.finish("Trainer", cached=False)
        progress.finish("Trainer", cached=True)
        progress.fail("Trainer")
        progress.start("Trainer")
    assert text_of(console).splitlines() == ["Trainer                   done         0.0 s"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_exception_fails_what_was_running(error):
    console = plain_console()
    with pytest.raises(error), RunProgress(console, clock=Clock()) as progress:
        progress.plan(["Transform", "Trainer", "Pusher"])
        progress.start("Transform")
        progress.finish("Transform")
        progress.start("Trainer")
        raise error
    assert [line.split()[:2] for line in text_of(console).splitlines()] == [
        ["Transform", "done"],
        ["Trainer", "failed"],
    ]


@pytest.mark.parametrize("terminal", [True, False])
def test_quiet_shows_nothing(terminal):
    console = Console(file=io.StringIO(), force_terminal=terminal)
    with RunProgress(console, quiet=True) as progress:
        progress.activity("Checking")
        progress.start("Trainer")
        progress.finish("Trainer")
    assert text_of(console) == ""


def test_terminal_shows_all_components_with_their_state():
    console, clock = Console(file=io.StringIO(), force_terminal=True, width=80, _environ={"TERM": "xterm"}), Clock()
    with RunProgress(console, clock=clock) as progress:
        progress.activity("Starting TFX")
        # Live draws in its own thread.
        deadline = time.monotonic() + 10
        while "Starting TFX" not in text_of(console) and time.monotonic() < deadline:
            time.sleep(0.02)
        progress.plan(["ExampleGen", "Transform", "Trainer", "Pusher"])
        progress.start("ExampleGen")
        clock.now += 2
        progress.finish("ExampleGen", cached=True)
        progress.start("Transform")
        clock.now += 3
        progress.finish("Transform")
        progress.start("Trainer")
        progress.note("Epoch 2/60: loss 0.5")
        half = Console(file=io.StringIO(), width=80)
        half.print(progress._render())
        progress.fail("Trainer")
    assert "Epoch 2/60: loss 0.5" in text_of(half).splitlines()[2]
    assert "Starting TFX" in text_of(console)
    last = Console(file=io.StringIO(), width=80)
    last.print(progress._render())
    assert [line.split() for line in text_of(last).splitlines()] == [
        ["✓", "ExampleGen", "2.0", "s", "cached"],
        ["✓", "Transform", "3.0", "s"],
        ["✗", "Trainer", "0.0", "s", "failed"],
        ["·", "Pusher"],
    ]


class Told(list):
    def start(self, name: str) -> None:
        self.append(("start", name))

    def finish(self, name: str, cached: bool) -> None:
        self.append(("finish", name, cached))

    def note(self, text: str) -> None:
        self.append(("note", text))


def test_handler_translates_the_runners_log():
    told = Told()
    absl_logger = absl_logging.get_absl_logger()
    before = absl_logger.level, absl_logger.handlers[:]
    with ComponentLogHandler(told).attached():
        absl_logging.info("Component %s is running.", "ExampleGen")
        absl_logging.info("Something else about %s", "ExampleGen")
        absl_logging.info("Component %s is finished.", "ExampleGen")
        absl_logging.info("Component %s is running.", "Transform")
        absl_logging.info("A cached execution %d is used.", 3)
        absl_logging.info("Component %s is finished.", "Transform")
        absl_logging.info("Component %s is running.", "Trainer")
        absl_logging.info("Component Trainer is finished.")
        absl_logging.info(EPOCH, 2, 60, "loss 0.5")
        absl_logging.info(WITHIN_EPOCH, 3, 60, 700, "loss 0.4")
        absl_logging.info("Component %s is finished.", "Trainer")
    absl_logging.info("Component %s is running.", "after")
    assert told == [
        ("start", "ExampleGen"),
        ("finish", "ExampleGen", False),
        ("start", "Transform"),
        ("finish", "Transform", True),
        ("start", "Trainer"),
        ("note", "Epoch 2/60: loss 0.5"),
        ("note", "Epoch 3/60, step 700: loss 0.4"),
        ("finish", "Trainer", False),
    ]
    assert (absl_logger.level, absl_logger.handlers) == before


def test_handler_still_hears_after_tensorflow_saved_a_model():
    told = Told()
    with ComponentLogHandler(told).attached():
        # What tensorflow.python.trackable.autotrackable does around each object.
        verbosity = absl_logging.get_verbosity()
        absl_logging.set_verbosity(absl_logging.FATAL)
        absl_logging.set_verbosity(verbosity)
        absl_logging.info("Component %s is finished.", "Transform")
    assert told == [("finish", "Transform", False)]


def test_handler_is_detached_after_an_error_and_hears_a_silenced_logger():
    told = Told()
    absl_logger = absl_logging.get_absl_logger()
    level = absl_logger.level
    absl_logger.setLevel(logging.ERROR)
    try:
        with pytest.raises(ValueError, match="boom"), ComponentLogHandler(told).attached():
            absl_logging.info("Component %s is running.", "Trainer")
            raise ValueError("boom")
        assert absl_logger.level == logging.ERROR
    finally:
        absl_logger.setLevel(level)
    assert told == [("start", "Trainer")]
    assert not any(isinstance(handler, ComponentLogHandler) for handler in absl_logger.handlers)


@pytest.mark.parametrize(
    ("module", "messages"),
    [
        ("orchestration/local/local_dag_runner.py", [ComponentLogHandler.RUNNING, ComponentLogHandler.FINISHED]),
        ("orchestration/portable/launcher.py", [ComponentLogHandler.CACHED]),
    ],
)
def test_tfx_still_logs_these_messages(module, messages):
    tfx = util.find_spec("tfx")
    if tfx is None or tfx.origin is None:
        pytest.skip("needs TFX")
    source = (Path(tfx.origin).parent / module).read_text("utf-8")
    for message in messages:
        assert f"logging.info('{message}'" in source
