import sys
import uuid

import pytest

from tfx_sequences.errors import SpecError
from tfx_sequences.own_functions import load_function


@pytest.fixture
def package(tmp_path, monkeypatch):
    """The name of a package of its own for each test: one that stayed in `sys.modules` would be found by the next."""
    name = f"networks_{uuid.uuid4().hex}"
    folder = tmp_path / name
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "small.py").write_text("def build(*arguments):\n    return arguments\n\nSIZE = 3\n")
    (folder / "broken.py").write_text("1 / 0\n")
    (folder / "needy.py").write_text("import a_package_that_is_nowhere\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield name
    for module in [m for m in sys.modules if m.partition(".")[0] == name]:
        del sys.modules[module]


def test_the_function_of_the_path_is_given(package):
    assert load_function(f"{package}.small.build", "model.builder")(1, 2) == (1, 2)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("nowhere_at_all.build", r"the module 'nowhere_at_all' does not exist[\s\S]*PYTHONPATH"),
        ("PACKAGE.smal.build", r"the module 'PACKAGE\.smal' does not exist[\s\S]*Did you mean 'small'"),
        ("PACKAGE.small.biuld", r"PACKAGE\.small has no 'biuld'[\s\S]*Did you mean 'build'"),
        ("PACKAGE.small.SIZE", r"PACKAGE\.small\.SIZE is not a function[\s\S]*received: int"),
        ("PACKAGE.broken.build", r"importing PACKAGE\.broken failed: ZeroDivisionError"),
        ("PACKAGE.needy.build", r"importing PACKAGE\.needy failed: .*a_package_that_is_nowhere"),
    ],
)
def test_a_path_that_leads_nowhere_is_an_error_that_says_where_it_ends(package, path, message):
    with pytest.raises(SpecError, match="label.loss: " + message.replace("PACKAGE", package)):
        load_function(path.replace("PACKAGE", package), "label.loss")
