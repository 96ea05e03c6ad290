"""With `--quiet`, `run` and `fit` print only why a model was not blessed."""

import io
from types import SimpleNamespace

import pytest
from rich.console import Console

from tfx_sequences.pipeline.commands.shown_result import show_result


@pytest.mark.parametrize(
    ("blessed", "printed"), [(True, ""), (False, "Not blessed and not pushed: accuracy 0.5 is below 0.9; loss [x].\n")]
)
def test_quiet(blessed, printed):
    output, errors = io.StringIO(), io.StringIO()
    capture = SimpleNamespace(console=Console(file=output, width=200), error_console=Console(file=errors, width=200))
    report = {"missed": ["accuracy 0.5 is below 0.9", "loss [x]"]}
    show_result(capture, SimpleNamespace(blessed=blessed, rows=None), report, quiet=True)
    assert (output.getvalue(), errors.getvalue()) == ("", printed)
