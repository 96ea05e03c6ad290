"""The output folder of a run: its layout, whether it is writable, and a lock for one run at a time."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import os
import re
from collections.abc import Iterator
from pathlib import Path

from tfx_sequences.errors import UserInputError


@dataclasses.dataclass(frozen=True)
class OutputLayout:
    """The layout of a run's output folder."""

    root: Path

    @property
    def artifacts(self) -> Path:
        """Artifacts of all components and runs."""
        return self.root / "artifacts"

    @property
    def records(self) -> Path:
        """Records of rows, if the run began with rows."""
        return self.root / "records"

    @property
    def metadata(self) -> Path:
        """ML Metadata's database, with the lineage of all artifacts."""
        return self.root / "metadata.sqlite"

    @property
    def pushed_models(self) -> Path:
        """Blessed models, one folder per version, in TensorFlow Serving's layout."""
        return self.root / "pushed_model"

    @property
    def report(self) -> Path:
        """Report of the newest run, as a web page."""
        return self.root / "report.html"

    @property
    def tfma_page(self) -> Path:
        """TFMA's view of the newest run's evaluation."""
        return self.root / "tfma.html"

    @property
    def report_data(self) -> Path:
        """Report of the newest run, as JSON."""
        return self.root / "report.json"

    @property
    def logs(self) -> Path:
        """Log output of TFX, Beam and TensorFlow, one file per run."""
        return self.root / "logs"


def check_output_folder(folder: str | Path) -> None:
    """Raises `UserInputError` if the output folder cannot be created or written; writes nothing."""
    # `Path` would turn two slashes into one.
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:/", str(folder)):
        raise UserInputError(
            f"The output folder {folder} is not on this machine.",
            expected="a local folder: this command runs the whole pipeline here",
            fix="Choose a local --output, and copy what you want to keep afterwards.",
        )
    existing = Path(folder).resolve()
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    if not existing.is_dir():
        raise UserInputError(
            f"The output folder {folder} cannot be created: {existing} is a file.",
            expected="a folder, or a path where one can be created",
            fix="Choose another --output.",
        )
    if not os.access(existing, os.W_OK | os.X_OK):
        raise UserInputError(
            f"The output folder {folder} cannot be written.",
            expected=f"write permission in {existing}",
            fix="Choose another --output, or change the folder's permissions.",
        )


def make_output_folder(layout: OutputLayout) -> None:
    """Creates the output folder and its log folder."""
    try:
        layout.logs.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserInputError(
            f"The output folder {layout.root} cannot be created: {error.strerror}.", fix="Choose another --output."
        ) from error


@contextlib.contextmanager
def only_run_of(layout: OutputLayout) -> Iterator[None]:
    """Locks the folder: two runs that write to it would mix up their artifacts."""
    with open(layout.root / ".lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UserInputError(
                f"Another run is writing to {layout.root}.", fix="Wait for it, or choose another --output."
            ) from None
        yield
