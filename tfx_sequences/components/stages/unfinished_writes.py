"""Removes what attempts of a Beam job that were not finished left in the folders of its results.

Beam's file sinks write into a folder `beam-temp-...` beside the final files and rename them at the end. An engine that
loses a worker starts the write again, in a new folder, and the first one stays. TFX's components read all that is in a
split's folder, so each component after it would fail at a folder that it takes for a file of records.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from tfx import types
from tfx.dsl.io import fileio

_TEMPORARY = "beam-temp-*"


def remove_unfinished_writes(outputs: Mapping[str, Iterable[types.Artifact]]) -> list[str]:
    """Removes Beam's temporary folders from a component's outputs, after its jobs have ended.

    Args:
        outputs: The output artifacts by their names, as an executor gets them.

    Returns:
        The folders that were removed.
    """
    folders = [artifact.uri for artifacts in outputs.values() for artifact in artifacts]
    # Directly in the artifact, and in each of its splits.
    patterns = [os.path.join(folder, *below, _TEMPORARY) for folder in folders for below in ((), ("*",))]
    found = sorted({path.rstrip("/") for pattern in patterns for path in fileio.glob(pattern) if fileio.isdir(path)})
    for path in found:
        fileio.rmtree(path)
    return found
