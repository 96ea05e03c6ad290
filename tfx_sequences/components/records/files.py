"""Finds the record files of a data folder and their splits.

The pipeline reads every file that matches a split's pattern, and so do the checks here. The folder is on this machine
or on any file system that TensorFlow supports; TensorFlow is imported only for the latter.
"""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath

from tfx_sequences.components.records.framing import check_framing as check_framing
from tfx_sequences.components.records.framing import read_records as read_records
from tfx_sequences.components.records.opening import (
    HEADER,
    compression_of,
    is_header,
    is_plain_text,
    opened,
    unpacked_blocks,
)
from tfx_sequences.components.records.paths import AnyPath, path_of
from tfx_sequences.errors import DataError, did_you_mean, shortened
from tfx_sequences.schemas.spec.splits import USUAL_PATTERNS, Splits

SPLITS = ("train", "valid", "test")

_NO_RECORDS = (
    *(
        ".csv",
        ".html",
        ".ini",
        ".ipynb",
        ".json",
        ".jsonl",
        ".log",
        ".md",
        ".pbtxt",
        ".py",
        ".rst",
        ".sh",
        ".tsv",
        ".txt",
    ),
    *(".xml", ".yaml", ".yml", ".crc", ".md5", ".sha256"),
)
# Common names of a split's files, to guess a pattern if the spec's does not match.
_USUAL_NAMES = {
    "train": re.compile(r"(?<![a-z])(train(ing)?|trn)", re.IGNORECASE),
    "valid": re.compile(r"(?<![a-z])(val(id(ation)?)?|dev|eval(uation)?)", re.IGNORECASE),
    "test": re.compile(r"(?<![a-z])(test(ing)?|tst|held_?out)", re.IGNORECASE),
}


def find_split_files(data_dir: str | os.PathLike[str], splits: Splits) -> dict[str, list[AnyPath]]:
    """The files of each split, sorted; an empty list for `valid` or `test` without files.

    Matching hidden files and plain text files are not record files: see `skipped_files`.

    Args:
        data_dir: A folder, local or remote.
        splits: The glob patterns, relative to the folder. `*` does not match `/`. If a default pattern matches no file,
            the split's other usual names are tried, see `with_patterns_found`.

    Returns:
        Files by `train`, `valid` and `test`.

    Raises:
        DataError: The folder or files for `train` do not exist; a file matches two splits; a pattern is invalid.

    >>> find_split_files("no/such/folder", Splits())
    Traceback (most recent call last):
      ...
    tfx_sequences.errors.DataError: The data folder does not exist.
      expected: a folder with TFRecord files
      received: no/such/folder
      fix:      Check the path.
    """
    folder = _folder(data_dir)
    splits, matched = _found(folder, splits)
    found = {name: [f for f in files if may_hold_records(f)] for name, files in matched.items()}
    for name in ("valid", "test"):
        # Files that the spec names as those of train do not belong to a default pattern too.
        if splits.train != Splits().train and getattr(splits, name) == getattr(Splits(), name):
            found[name] = [] if found[name] == found["train"] else found[name]
    if not found["train"]:
        raise _no_training_files(folder, splits)
    seen: dict[AnyPath, str] = {}
    for name, files in found.items():
        for file in files:
            other = seen.setdefault(file, name)
            if other != name:
                raise DataError(
                    f"The file {_relative(file, folder)} belongs to two splits.",
                    expected="each file in one split, so that no record is used for both training and testing",
                    received=f"splits.{other}: '{getattr(splits, other)}' and splits.{name}: '{getattr(splits, name)}'",
                    fix="Narrow one of the two patterns in the spec, or rename the files.",
                )
    return found


def with_patterns_found(data_dir: str | os.PathLike[str], splits: Splits) -> Splits:
    """The patterns; a default pattern without record files is replaced by the first usual pattern that has some.

    So `eval-0.tfrecord` is in `valid` if there are no files `valid*`, `val-*` and `dev*`.
    """
    return _found(_folder(data_dir), splits)[0]


def guess_splits(data_dir: str | os.PathLike[str]) -> Splits | None:
    """Patterns guessed from names such as `set-train.tfrecord-00000-of-00002`; None if they match no training file.

    If there are only files of `valid` and `test`, those of `valid` become the training files.
    """
    folder = _folder(data_dir)
    found = _guessed(*_names(folder))
    splits = Splits.model_validate(found)
    return splits if found and _found(folder, splits)[1]["train"] else None


def skipped_files(data_dir: str | os.PathLike[str], splits: Splits) -> list[AnyPath]:
    """Matching files that are not record files: hidden files and plain text, which are not read."""
    _, matched = _found(_folder(data_dir), splits)
    return sorted({f for files in matched.values() for f in files if not may_hold_records(f)})


def unused_files(data_dir: str | os.PathLike[str], found: dict[str, list[AnyPath]]) -> list[AnyPath]:
    """Files directly in the folder that look like TFRecords but do not belong to a split.

    Args:
        data_dir: The folder.
        found: The result of `find_split_files`.
    """
    used = {file for files in found.values() for file in files}
    return [file for file in list_record_files(data_dir) if file not in used]


def list_record_files(data_dir: str | os.PathLike[str]) -> list[AnyPath]:
    """Files directly in a folder with TFRecord names, sorted; empty if the folder does not exist."""
    folder = path_of(data_dir).expanduser()
    files = folder.iterdir() if folder.is_dir() else ()
    return sorted(f for f in files if may_hold_records(f) and "tfrecord" in f.name.lower() and f.is_file())


def _folder(data_dir: str | os.PathLike[str]) -> AnyPath:
    expected = "a folder with TFRecord files"
    folder = path_of(data_dir).expanduser()
    try:
        exists = folder.exists()
    except OSError as error:
        raise DataError(
            f"The data folder cannot be read: {error.strerror or error}",
            expected=expected,
            received=str(data_dir),
            fix="Check the path and its permissions.",
        ) from error
    if not exists:
        parent = folder.parent
        siblings = [f.name for f in parent.iterdir() if f.is_dir()] if parent.is_dir() else []
        fix = f"Check the path.{did_you_mean(folder.name, siblings)}"
        raise DataError("The data folder does not exist.", expected=expected, received=str(data_dir), fix=fix)
    if not folder.is_dir():
        raise DataError(
            "The data folder is not a folder.",
            expected=expected,
            received=f"the file {data_dir}",
            fix=f"Use its folder: {folder.parent}",
        )
    if isinstance(folder, Path) and not os.access(folder, os.R_OK | os.X_OK):
        raise DataError(
            "You do not have permission to read the data folder.",
            expected=expected,
            received=str(data_dir),
            fix="Check its permissions.",
        )
    return folder


def _found(folder: AnyPath, splits: Splits) -> tuple[Splits, dict[str, list[AnyPath]]]:
    """The patterns, including usual ones that match, and the matching files by split, including skipped files."""
    chosen, matched = {}, {}
    for name in SPLITS:
        given = getattr(splits, name)
        first, *others = USUAL_PATTERNS[name]
        for pattern in (given, *(others if given == first else ())):
            files = _matches(folder, name, pattern)
            if pattern == given or any(map(may_hold_records, files)):
                chosen[name], matched[name] = pattern, files
            if any(map(may_hold_records, files)):
                break
    return splits.model_copy(update=chosen), matched


def _matches(folder: AnyPath, name: str, pattern: str) -> list[AnyPath]:
    matched: list[AnyPath] = []
    reason = "it is empty" if not pattern else ""
    if PurePosixPath(pattern).is_absolute() or ".." in PurePosixPath(pattern).parts:
        reason = "it points outside the data folder"
    elif any("**" in part and part != "**" for part in PurePosixPath(pattern).parts):
        reason = "'**' must be a whole part of the path"
    elif pattern:
        try:
            # Broken links count, because a reader would fail on them.
            matched = sorted(f for f in folder.glob(pattern) if not f.is_dir())
        except (ValueError, NotImplementedError) as error:
            reason = str(error)
    if reason:
        raise DataError(
            f"splits.{name} is not a valid file pattern: {reason}.",
            expected=f"a glob such as '{name}*' or '{name}/*'",
            received=f"'{pattern}'",
            fix="Correct `splits` in the spec.",
        )
    return matched


def may_hold_records(file: AnyPath) -> bool:
    """Whether a matching file is read: it is not hidden, and its name is not that of a text file.

    For a file on this machine, the first bytes are checked too.
    """
    if file.name.startswith(".") or file.suffix.lower() in _NO_RECORDS:
        return False
    if not isinstance(file, Path) or "tfrecord" in file.name.lower() or not file.is_file():
        return True
    with opened(file) as stored:
        return not is_plain_text(stored.read(16 * HEADER.size))


def _relative(file: AnyPath, folder: AnyPath) -> str:
    return file.relative_to(folder).as_posix()


def _names(folder: AnyPath) -> tuple[list[str], list[str]]:
    """Names of the record files in a folder (by their names, or else by their content), and of its folders."""
    folders = sorted(f.name for f in folder.iterdir() if f.is_dir() and not f.name.startswith("."))
    files = list_record_files(folder) or sorted(filter(_begins_with_a_record, folder.iterdir()))
    return [f.name for f in files], folders


def _begins_with_a_record(file: AnyPath) -> bool:
    """Whether a file without a usual name, such as Spark's `part-00000`, is a TFRecord file by its first bytes."""
    if not file.is_file() or not may_hold_records(file):
        return False
    try:
        return is_header(next(unpacked_blocks(file, compression_of(file)), b""))
    except DataError:
        return False


def _no_training_files(folder: AnyPath, splits: Splits) -> DataError:
    files, folders = _names(folder)
    others = sorted(f.name for f in folder.iterdir() if f.is_file())
    if files:
        received = f"the record files {shortened(files)}"
    elif folders:
        received = f"no record files, but the folders {shortened(folders)}"
    else:
        received = f"no record files, but {shortened(others)}" if others else "an empty folder"
    return DataError(
        f"No file for the training split in {folder}.",
        expected=f"files that match splits.train: '{splits.train}'",
        received=received,
        fix=_suggestion(files, folders),
    )


def _suggestion(files: list[str], folders: list[str]) -> str:
    """A `splits:` section for the message."""
    guessed = _guessed(files, folders)
    if not guessed:
        return "Put TFRecord files there, or check the path and `splits` in the spec."
    ordered = ", ".join(f"{split}: '{guessed[split]}'" for split in SPLITS if split in guessed)
    return f"Set `splits: {{{ordered}}}` in the spec, or rename the files."


def _guessed(files: list[str], folders: list[str]) -> dict[str, str]:
    """Patterns of the splits by the names of files and folders; with any, there is one for `train`."""
    guessed: dict[str, str] = {}
    for split, usual in _USUAL_NAMES.items():
        for name in files:
            match = usual.search(name)
            if match:
                guessed.setdefault(split, f"{'*' if match.start() else ''}{match[0]}*")
        for name in folders:
            if usual.match(name):
                guessed.setdefault(split, f"{name}/*")
    if "train" not in guessed:
        others = [n for n in files if not any(usual.search(n) for usual in _USUAL_NAMES.values())]
        if others:
            stem = re.match(r"[^0-9.]+", others[0])
            guessed["train"] = f"{stem[0]}*" if stem else others[0]
    if "train" not in guessed and guessed:
        guessed["train"] = guessed.pop("valid" if "valid" in guessed else "test")
    return guessed
