"""The files of an exported model: whether each one is still what was exported.

The card lists the digest of every file that TensorFlow reads, and a digest of the card itself is kept beside its copy.
So every kind of damage is found when the model is loaded, and named.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from tfx_sequences.components.records.paths import AnyPath
from tfx_sequences.errors import UserInputError, shortened

FILES = "model_files"
"""The card's key of the digests."""

_FOLDERS = ("variables", "assets")
_SINGLE = ("saved_model.pb", "fingerprint.pb")
_BLOCK = 1 << 20
_FIX = "Copy the whole folder of the model again, or export the model again."


def digests_of_files(folder: AnyPath) -> dict[str, str]:
    """SHA-256 of each file that TensorFlow reads, by its place in the model's folder."""
    found = [folder / name for name in _SINGLE]
    for name in _FOLDERS:
        found += (folder / name).glob("*")
    files = sorted(file for file in found if file.is_file())
    return {str(file)[len(str(folder)) + 1 :]: _digest(file) for file in files}


def digest_of_card(card: Mapping[str, Any]) -> str:
    """SHA-256 of a card's contents, however it is written."""
    return hashlib.sha256(json.dumps(card, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def check_files(folder: AnyPath, card: Mapping[str, Any]) -> None:
    """Compares the files with what the card says of them.

    Args:
        folder: The model's folder.
        card: Its card. Cards of earlier versions, without digests, are not compared.

    Raises:
        UserInputError: A file is missing, new or changed; the message names it.
    """
    expected = card.get(FILES)
    if expected is None:
        return
    try:
        found = digests_of_files(folder)
    except OSError as error:
        raise UserInputError(
            f"The model in {folder} cannot be read.",
            expected="files that can be read",
            received=str(error),
            fix=_FIX,
        ) from error
    for name, problem in (
        ("are missing", [file for file in expected if file not in found]),
        ("do not belong to it", [file for file in found if file not in expected]),
        ("have changed", [file for file in expected if found.get(file, expected[file]) != expected[file]]),
    ):
        if problem:
            raise UserInputError(
                f"The model in {folder} is damaged: files that {name}: {shortened(problem)}.",
                expected="the files that were exported, without changes",
                received=f"{len(problem)} of {len(expected)} files differ",
                fix=_FIX,
            )


def damaged(folder: AnyPath, error: BaseException) -> UserInputError:
    """The error of a model that TensorFlow cannot load, although its files are what was exported."""
    words = " ".join(str(error).split())
    return UserInputError(
        f"TensorFlow cannot load the model in {folder}.",
        expected="a SavedModel that the installed TensorFlow can load",
        received=f"{type(error).__name__}: {words[:200]}",
        fix="Use the version of TensorFlow that exported the model, or a newer one, or export the model again.",
    )


def _digest(file: AnyPath) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as opened:
        for block in iter(lambda: opened.read(_BLOCK), b""):
            digest.update(block)
    return digest.hexdigest()
