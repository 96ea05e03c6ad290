"""A digest of our own code, so that editing it reruns just what depends on it."""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.util
from importlib import metadata
from pathlib import Path

_PACKAGE = "tfx_sequences"
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

    >>> sorted(m.rsplit(".", 1)[-1] for m in import_closure(("tfx_sequences.schemas.columns",)))
    ['base', 'columns', 'errors']
    """
    sources: dict[str, bytes] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name in sources:
            continue
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            continue
        source = Path(spec.origin).read_bytes()
        if Path(spec.origin).name == "__init__.py":
            continue  # facades: what they offer is imported from its own module
        sources[name] = source
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Import):
                waiting += [a.name for a in node.names if a.name.startswith(_PACKAGE)]
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(_PACKAGE):
                submodules = [f"{node.module}.{a.name}" for a in node.names]
                waiting += [str(node.module), *(m for m in submodules if _is_module(m))]
    return sources


def _is_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False
