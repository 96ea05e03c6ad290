"""Java's part of an engine: fetched with Maven once, in pinned versions, and checked against checksums."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

_PINNED = Path(__file__).parent / "java"


def missing_programs() -> list[str]:
    """What of Java and Maven is not on PATH."""
    return [name for name in ("java", "javac", "mvn") if not shutil.which(name)]


def cache() -> Path:
    """The user's cache folder for the tests, or that which TFX_SEQUENCES_CACHE names."""
    named = os.environ.get("TFX_SEQUENCES_CACHE")
    return Path(named) if named else Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"), "tfx-sequences")


def jars(engine: str) -> Path:
    """The folder of an engine's jars, in the cache.

    Raises:
        RuntimeError: Maven failed, or what it brought is not what was pinned.
    """
    pinned = dict(reversed(line.split()) for line in (_PINNED / f"{engine}.sha256").read_text().splitlines())
    # Other versions go elsewhere.
    name = hashlib.sha256((_PINNED / f"{engine}.sha256").read_bytes()).hexdigest()[:12]
    folder = cache() / "jars" / f"{engine}-{name}"
    if not folder.is_dir():
        fetched = folder.with_suffix(".part")
        shutil.rmtree(fetched, ignore_errors=True)
        done = subprocess.run(
            [
                *("mvn", "-B", "-q", "-C", "-f", _PINNED / f"{engine}-pom.xml", "dependency:copy-dependencies"),
                *("-DincludeScope=runtime", f"-DoutputDirectory={fetched}"),
            ],
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise RuntimeError(f"Maven could not fetch the jars of {engine}:\n{done.stdout[-2000:]}")
        fetched.rename(folder)
    found = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.glob("*.jar")}
    if found != pinned:
        wrong = sorted(name for name in found.keys() | pinned.keys() if found.get(name) != pinned.get(name))
        raise RuntimeError(f"These jars of {engine} in {folder} are not those of {engine}.sha256: {', '.join(wrong)}")
    return folder
