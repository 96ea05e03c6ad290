"""Beam's engine in Go, built from its module into the user's cache."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import apache_beam

from tests.engines.jars import cache

_PROGRAM = "github.com/apache/beam/sdks/v2/go/cmd/prism"
# Of the locked Beam; where the module proxy does not have that, of the next one.
VERSIONS = (f"v{apache_beam.__version__}", "v2.73.0")


def go() -> str | None:
    """Path of Go, on PATH or where its own installer puts it."""
    return shutil.which("go", path=os.pathsep.join([os.environ["PATH"], "/usr/local/go/bin"]))


def prism() -> Path:
    """The program, of the first of the versions that there is.

    Raises:
        RuntimeError: Go could not fetch or build any.
    """
    folders = [cache() / f"prism-{version}" for version in VERSIONS]
    said = []
    for version, folder in zip(VERSIONS, folders, strict=True):
        if not (folder / "prism").exists():
            command = [go(), "install", f"{_PROGRAM}@{version}"]
            done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "GOBIN": str(folder)})
            if done.returncode:
                said.append(done.stderr[-1000:])
                continue
        return folder / "prism"
    raise RuntimeError(f"Go could not install {_PROGRAM}:\n{''.join(said)}")
