"""The package runs nothing that it reads, and every locked package has a hash. Everything is read with `ast`."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
# They run code that a file contains.
MODULES = {"pickle", "cPickle", "_pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal", "jsonpickle"}
FUNCTIONS = {"eval", "exec", "compile", "__import__"}
METHODS = {"os.system", "os.popen", "yaml.load", "yaml.unsafe_load", "yaml.full_load", "yaml.load_all"}


def name_of(node: ast.expr) -> str:
    """`os.path.join` of the call's function, as far as it is names.

    >>> name_of(ast.parse("a.b.c()").body[0].value.func)
    'a.b.c'
    """
    if isinstance(node, ast.Attribute):
        return f"{name_of(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def runs_what_it_reads(tree: ast.Module) -> list[str]:
    """The places of a module that could run what a file or a person contains."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            found += [f"line {node.lineno}: imports {name}" for name in names if name.split(".")[0] in MODULES]
        if not isinstance(node, ast.Call):
            continue
        called = name_of(node.func)
        if called in FUNCTIONS | METHODS:
            found.append(f"line {node.lineno}: calls {called}")
        for keyword in node.keywords:
            allowed = isinstance(keyword.value, ast.Constant) and not keyword.value.value
            if keyword.arg in ("shell", "allow_pickle", "enable_unsafe_deserialization") and not allowed:
                found.append(f"line {node.lineno}: {keyword.arg} of {called}")
            loader = name_of(keyword.value)
            if keyword.arg == "Loader" and not loader.endswith(("SafeLoader", "_Loader")):
                found.append(f"line {node.lineno}: {loader}")
    return found


def test_nothing_in_the_package_runs_what_it_reads():
    files = sorted((ROOT / "tfx_sequences").rglob("*.py"))
    found = {str(f.relative_to(ROOT)): runs_what_it_reads(ast.parse(f.read_text("utf-8"))) for f in files}
    assert len(found) > 300
    assert {name: places for name, places in found.items() if places} == {}


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from dill import loads",
        "eval('1')",
        "exec(text)",
        "yaml.load(text)",
        "yaml.compose(text, Loader=yaml.UnsafeLoader)",
        "subprocess.run(words, shell=True)",
        "np.load(file, allow_pickle=flag)",
        "os.system('ls')",
    ],
)
def test_each_way_is_found(code):
    assert len(runs_what_it_reads(ast.parse(code))) == 1


def test_every_locked_package_has_a_hash_of_each_file():
    locked = tomllib.loads((ROOT / "uv.lock").read_text("utf-8"))["package"]
    from_registry = [package for package in locked if "registry" in package["source"]]
    assert len(from_registry) > 100
    for package in from_registry:
        files = [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]
        assert files and all(file["hash"].startswith("sha256:") for file in files), package["name"]
    assert {package["name"] for package in locked if "registry" not in package["source"]} == {"tfx-sequences"}
