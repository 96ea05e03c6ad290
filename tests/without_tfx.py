"""Which tests run where TFX is not installed: found from imports, so that nobody keeps a list."""

from __future__ import annotations

import ast
import functools
import importlib.util
from pathlib import Path

ROOT = Path(__file__).parents[1]
# What the extras `tfx` and `vertex` install.
OF_TFX = {
    "apache_beam",
    "kfp",
    "google.cloud.aiplatform",
    "ml_metadata",
    "tensorflow_data_validation",
    "tensorflow_metadata",
    "tensorflow_model_analysis",
    "tensorflow_transform",
    "tfx",
    "tfx_bsl",
}
# Fixtures of conftest.py that run Transform.
ANALYZED = {"everything", "all_labels", "forecasts", "exported_everything", "labels_model", "lists_model"}


def has_tfx() -> bool:
    """Whether TFX is installed."""
    return importlib.util.find_spec("tfx") is not None


@functools.cache
def needs_tfx(file: Path) -> bool:
    """Whether a test file imports TFX or what comes with it, itself or through modules of tests and of the package.

    Imports in functions count in test files, because their tests call these; in the package they are there so that
    others can do without them.
    """
    waiting, seen = [file.resolve()], set()
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        for name in _imports(path, everywhere=(ROOT / "tests") in path.parents):
            if any(name == other or name.startswith(f"{other}.") for other in OF_TFX):
                return True
            waiting += _files_of(name)
    return False


def _imports(path: Path, *, everywhere: bool) -> set[str]:
    """Names that a module imports, with those of the modules' members; `everywhere` includes functions."""
    tree = ast.parse(path.read_text("utf-8"))
    found: set[str] = set()
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) and not everywhere:
            continue
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            waiting += node.orelse
        else:
            waiting += ast.iter_child_nodes(node)
    return found


def _files_of(name: str) -> list[Path]:
    """The file of a module of tests or of the package; the facade imports nothing before a name is used."""
    first, *parts = name.split(".")
    spec = importlib.util.find_spec(first) if first in ("tests", "tfx_sequences") else None
    if spec is None or spec.origin is None:
        return []
    path = Path(spec.origin).parent.joinpath(*parts)
    return [path.with_suffix(".py")] if path.with_suffix(".py").is_file() else []
