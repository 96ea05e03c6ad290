"""A digest of our own code, so that an edit reruns only what depends on it."""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.util
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

_ROOT = Path(__file__).parent
_STACK = ("tfx", "tensorflow", "tensorflow-transform", "tensorflow-model-analysis", "keras", "apache-beam")


@functools.cache
def code_digest(*modules: str) -> str:
    """Hash of the named modules, of all imports from their own packages, and of the versions of TFX and its stack.

    TFX's cache identifies a component by its inputs and parameters, not by the code
    of an importable function. So this hash becomes one of the parameters.

    Args:
        *modules: Our own modules, or the user's.

    >>> a = code_digest("tfx_sequences.components.transform.preprocessing")
    >>> a == code_digest("tfx_sequences.components.transform.preprocessing"), len(a)
    (True, 32)
    """
    digest = hashlib.sha256()
    for name, source in sorted(import_closure(modules).items()):
        digest.update(name.encode() + b"\0" + source + b"\0")
    for distribution in _STACK:
        try:
            digest.update(f"{distribution}={metadata.version(distribution)};".encode())
        except metadata.PackageNotFoundError:
            continue
    return digest.hexdigest()[:32]


def import_closure(modules: tuple[str, ...]) -> dict[str, bytes]:
    """Source of the modules, and of all modules from their own packages that they import, at any depth.

    >>> sorted(m.rsplit(".", 1)[-1] for m in import_closure(("tfx_sequences.schemas.columns.embedding",)))
    ['base', 'embedding', 'errors']
    """
    roots = {module.partition(".")[0]: _places(module.partition(".")[0]) for module in modules}
    sources: dict[str, bytes] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        path = _source_file(name, roots)
        if name in sources or path is None:
            continue
        sources[name] = path.read_bytes()
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        if not name.startswith(f"{_ROOT.name}."):
            # The package's code runs before the module; our own facades only load names lazily.
            waiting.append(package)
        for node in ast.walk(ast.parse(sources[name])):
            if isinstance(node, ast.Import):
                waiting += [a.name for a in node.names]
            elif isinstance(node, ast.ImportFrom):
                source = _absolute(node, package)
                waiting += [source, *(f"{source}.{a.name}" for a in node.names)]
    return sources


def _absolute(node: ast.ImportFrom, package: str) -> str:
    """The name of the module that `from ... import` names, within a package."""
    if not node.level:
        return node.module or ""
    parents = package.split(".")[: len(package.split(".")) - node.level + 1]
    return ".".join([*parents, *([node.module] if node.module else [])])


def _places(package: str) -> list[Path]:
    """The folders of a top-level package, or the file of a top-level module; nothing is imported."""
    if package == _ROOT.name:
        return [_ROOT]
    spec = importlib.util.find_spec(package)
    if spec is None:
        return []
    if spec.submodule_search_locations is not None:
        return [Path(place) for place in spec.submodule_search_locations]
    return [Path(spec.origin)] if spec.origin and spec.origin.endswith(".py") else []


def _source_file(name: str, roots: Mapping[str, list[Path]]) -> Path | None:
    """The file of a module; found by its name, because asking the import system would import parents."""
    package, *parts = name.split(".")
    for place in roots.get(package, ()):
        if place.is_file():
            return None if parts else place
        # Our own facades do not contain code: they import names from other modules.
        candidates = [place.joinpath(*parts, "__init__.py")] if place != _ROOT else []
        if parts:
            candidates.append(place.joinpath(*parts).with_suffix(".py"))
        for path in candidates:
            if path.is_file():
                return path
    return None
