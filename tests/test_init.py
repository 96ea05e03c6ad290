from __future__ import annotations

import ast
import importlib
import importlib.metadata
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import tfx_sequences

PACKAGE = Path(tfx_sequences.__file__).parent
HEAVY = {"tensorflow", "keras", "tfx", "apache_beam", "numpy", "pydantic"}


def imported_by(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint(*{HEAVY} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_every_public_name_has_a_module_and_is_listed():
    assert tfx_sequences.__all__ == sorted(tfx_sequences._MODULES)
    assert set(tfx_sequences.__all__) <= set(dir(tfx_sequences))


@pytest.mark.parametrize("name", tfx_sequences.__all__)
def test_public_name_loads_from_its_module(name):
    module = tfx_sequences._MODULES[name]
    if module.startswith("tfx_sequences.pipeline"):
        pytest.importorskip("tfx")
    assert getattr(tfx_sequences, name) is getattr(importlib.import_module(module), name)


def test_names_for_type_checkers_are_those_of_the_table():
    tree = ast.parse((PACKAGE / "__init__.py").read_text("utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    imported = {alias.name: node.module for node in block.body for alias in node.names}
    assert imported == tfx_sequences._MODULES


def test_unknown_name_suggests_the_closest():
    with pytest.raises(AttributeError, match=r"no attribute 'SequenceFeature'\. Did you mean 'SequenceFeatures'\?"):
        tfx_sequences.SequenceFeature  # noqa: B018
    assert not hasattr(tfx_sequences, "__wrapped__")


def test_import_is_light_and_the_layer_needs_no_tfx():
    assert imported_by("import tfx_sequences") == set()
    assert imported_by("from tfx_sequences import UserInputError") == set()
    assert not imported_by("from tfx_sequences import SequenceSpec, load_spec") & {"tensorflow", "tfx", "apache_beam"}
    assert not imported_by("from tfx_sequences import SequenceFeatures") & {"tfx", "apache_beam"}


def test_version_stands_in_one_place():
    assert importlib.metadata.version("tfx-sequences").split(".")[0] == tfx_sequences.__version__.split(".")[0]


@pytest.mark.parametrize("file", ["__init__.py", "__main__.py", "version.py"])
def test_entry_modules_parse_on_old_pythons(file):
    source = (PACKAGE / file).read_text("utf-8")
    # Annotations and f-strings pass this oldest grammar that ast knows, so look for them too.
    tree = ast.parse(source, feature_version=(3, 4))
    banned = (ast.JoinedStr, ast.AnnAssign)
    assert not [node for node in ast.walk(tree) if isinstance(node, banned) or getattr(node, "returns", None)]
    assert source.isascii()


@pytest.mark.parametrize("name", ["python2.7", "python3.6", "python3.8", "python3.9"])
def test_old_python_gets_one_message(name):
    python = shutil.which(name)
    if python is None or subprocess.run([python, "-c", ""], capture_output=True).returncode:
        pytest.skip(f"no working {name} on PATH")
    done = subprocess.run([python, "-m", "tfx_sequences", "--help"], cwd=PACKAGE.parent, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("Error: This Python is too old")
    assert f"received: Python {name.removeprefix('python')}" in done.stderr
    assert "Traceback" not in done.stderr
