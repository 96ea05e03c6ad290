from __future__ import annotations

import ast
import importlib
import importlib.util
import re
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


def test_every_public_name_stands_once_and_is_listed():
    names = [name for names in tfx_sequences._PUBLIC.values() for name in names]
    assert sorted(names) == tfx_sequences.__all__
    assert len(names) == len(set(names))
    assert set(names) <= set(dir(tfx_sequences))


@pytest.mark.parametrize("name", tfx_sequences.__all__)
def test_public_name_loads_from_its_module(name):
    module = tfx_sequences._MODULES[name]
    if module.startswith("tfx_sequences.pipeline"):
        pytest.importorskip("tfx")
    assert getattr(tfx_sequences, name) is getattr(importlib.import_module(module), name)


@pytest.fixture(scope="module")
def public_names():
    path = PACKAGE.parent / "scripts" / "public_names.py"
    module_spec = importlib.util.spec_from_file_location("public_names", path)
    module = importlib.util.module_from_spec(module_spec)
    module_spec.loader.exec_module(module)
    return module


def test_names_for_type_checkers_are_those_of_the_table(public_names):
    assert public_names.STUB.read_text("utf-8") == public_names.stub(), "run: python scripts/public_names.py"


def test_signatures_change_only_with_the_list_of_public_names(public_names):
    pytest.importorskip("tfx")
    assert public_names.SIGNATURES.read_text("utf-8") == public_names.signatures(), (
        "run: python scripts/public_names.py"
    )


def test_a_signature_is_shown_as_it_is_written(public_names):
    lines = public_names.SIGNATURES.read_text("utf-8").splitlines()
    expected = (
        "spec_from_yaml(text: str, *, where: str = 'the spec', folder: Path | None = None, untrusted: bool = False)"
    )
    assert f"{expected} -> SequenceSpec" in lines


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
    text = (PACKAGE.parent / "pyproject.toml").read_text("utf-8")
    # hatchling reads it there, by this expression; test_wheel compares it with the built wheel's.
    [path] = re.findall(r'\[tool\.hatch\.version\]\npath = "(.*)"', text)
    [version] = re.findall(r"^__version__ = ['\"]v?(.+)['\"]$", (PACKAGE.parent / path).read_text("utf-8"), re.M)
    assert version == tfx_sequences.__version__
    assert 'dynamic = ["version"]' in text and not re.findall(r"^version *=", text, re.M)


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
