"""What a spec makes a command do beyond the records: read files, import modules, load models, write backups."""

from __future__ import annotations

from pathlib import PurePosixPath

from tfx_sequences.errors import SpecError
from tfx_sequences.schemas.columns.local_files import named_files
from tfx_sequences.schemas.spec.function_paths import function_paths
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

# Keys whose values a search may not set either.
_TRUSTED_KEYS = ("model.builder", "training.warm_start", "training.backup.folder")


def check_untrusted(spec: SequenceSpec, where: str) -> None:
    """Rejects a spec that reaches beyond the records, without looking at what it names.

    Args:
        spec: The spec.
        where: How the message names it.

    Raises:
        SpecError: It names files, a module, a model or a folder.

    >>> x = {"type": "numeric"}
    >>> spec = SequenceSpec(name="s", sequence={"x": x}, label={"key": "y"}, model={"builder": "os.system"})
    >>> check_untrusted(spec, "spec.yaml")
    Traceback (most recent call last):
      ...
    tfx_sequences.errors.SpecError: spec.yaml is not trusted, and reaches beyond the records.
      expected: a spec without files, modules, models and folders, because of --untrusted
      received: model.builder: imports and calls os.system
      fix:      Read what these keys name; leave them out, or leave out --untrusted.
    """
    found = reaches(spec)
    if found:
        raise SpecError(
            f"{where} is not trusted, and reaches beyond the records.",
            expected="a spec without files, modules, models and folders, because of --untrusted",
            received="; ".join(found),
            fix="Read what these keys name; leave them out, or leave out --untrusted.",
        )


def reaches(spec: SequenceSpec) -> list[str]:
    """Each key that reaches beyond the records, with what it does.

    >>> reaches(SequenceSpec(name="s", sequence={"x": {"type": "numeric"}}, label={"key": "y"}))
    []
    """
    found = []
    for name, column in spec.columns.items():
        found += [f"{name}.{field}: reads the file {file}" for field, file in named_files(column)]
    found += [f"{field}: imports and calls {path}" for field, path in function_paths(spec).items()]
    if spec.training.warm_start is not None:
        found.append(f"training.warm_start: loads the model {spec.training.warm_start}")
    backup = spec.training.backup
    if backup is not None and backup.folder is not None:
        found.append(f"training.backup.folder: writes and deletes files in {backup.folder}")
    for split in ("train", "valid", "test"):
        pattern = PurePosixPath(getattr(spec.splits, split))
        if pattern.is_absolute() or ".." in pattern.parts or "://" in str(getattr(spec.splits, split)):
            found.append(f"splits.{split}: reads {pattern}, outside of the data folder")
    for path in spec.tuning.parameters if spec.tuning else ():
        if path in _TRUSTED_KEYS:
            found.append(f"tuning.parameters.{path}: tries values of this key")
    return found
