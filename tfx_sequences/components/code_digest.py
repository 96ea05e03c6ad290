"""A digest of our own code, so that editing it reruns just what depends on it."""

from __future__ import annotations

import ast
import functools
import hashlib
from importlib import metadata
from pathlib import Path

_ROOT = Path(__file__).parents[1]
_STACK = ("tfx", "tensorflow", "tensorflow-transform", "tensorflow-model-analysis", "keras", "apache-beam")


@functools.cache
def code_digest(*modules: str) -> str:
    """Hash of the named modules of ours, of all of ours they import, and of the stack's versions.

    TFX's cache knows a component by its inputs and parameters, not by the code
    behind an importable function; this goes into the parameters.

    >>> a = code_digest("tfx_sequences.components.preprocessing")
    >>> a == code_digest("tfx_sequences.components.preprocessing"), len(a)
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
    """Source of the modules and of every module of this package they import, at any depth.

    >>> sorted(m.rsplit(".", 1)[-1] for m in import_closure(("tfx_sequences.schemas.numeric_columns",)))
    ['base', 'column_base', 'embedding', 'errors', 'numeric_columns']
    """
    sources: dict[str, bytes] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        path = _source_file(name)
        # Facades have no file of their own here: what they offer is imported from its module.
        if name in sources or path is None:
            continue
        sources[name] = path.read_bytes()
        for node in ast.walk(ast.parse(sources[name])):
            if isinstance(node, ast.Import):
                waiting += [a.name for a in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                waiting += [node.module, *(f"{node.module}.{a.name}" for a in node.names)]
    return sources


def _source_file(name: str) -> Path | None:
    """The file of a module of this package; found by its name, for to ask the import system would import parents."""
    package, *parts = name.split(".")
    if package != _ROOT.name or not parts:
        return None
    path = _ROOT.joinpath(*parts).with_suffix(".py")
    return path if path.is_file() else None
