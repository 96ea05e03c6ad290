"""Specs as files: YAML in and out, JSON Schema, fingerprint, errors with line numbers."""

from __future__ import annotations

import functools
import hashlib
import json
import re
from importlib import resources
from pathlib import Path
from typing import Any

import pydantic
import yaml

from tfx_sequences.errors import SpecError, did_you_mean
from tfx_sequences.schemas.columns.column import COLUMN_TYPES
from tfx_sequences.schemas.columns.local_files import named_files, read_bytes
from tfx_sequences.schemas.spec.label import TRAINING_FIELDS
from tfx_sequences.schemas.spec.record_history import say_causal
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec, check_causality
from tfx_sequences.schemas.spec.untrusted_spec import check_untrusted
from tfx_sequences.schemas.spec.yaml_nodes import load

# The sections that determine each stage's result: an edit elsewhere leaves its cache valid.
TRANSFORM_SECTIONS = (
    "record",
    "id_key",
    "id_dtype",
    "context",
    "sequence",
    "label",
    "labels",
    "example_weight",
    "example_weight_dtype",
)
TRAIN_SECTIONS = (*TRANSFORM_SECTIONS, "name", "rows", "batching", "model", "training")


def load_spec(source: str | Path, *, untrusted: bool = False) -> SequenceSpec:
    """Reads a spec from a YAML (or JSON) file, or a bundled spec by its name.

    Args:
        source: A path, or the name of a bundled spec such as `japanese_vowels`.
        untrusted: Whether a spec that names files, a module, a model or a folder is an error. Nothing that it names is
            looked at.

    Raises:
        SpecError: The file does not exist, is not YAML, or does not describe a
            spec; the message names the line and the closest known key.

    >>> load_spec("japanese_vowels").heads["label"].key
    'speaker'
    """
    path = Path(source)
    bundled = str(source).removesuffix(".yaml")
    if not path.is_file() and bundled in bundled_names():
        text = resources.files(__package__).joinpath(f"{bundled}.yaml").read_text("utf-8")
        return spec_from_yaml(text, where=f"{bundled}.yaml")
    if not path.is_file():
        raise SpecError(
            f"No such spec: {source}",
            expected="a YAML file, or the name of a bundled spec",
            received=f"'{source}'",
            fix=f"Bundled specs: {', '.join(bundled_names())}.{did_you_mean(path.stem, bundled_names())}",
        )
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"The spec {path} cannot be read: {error}", fix="Save it as UTF-8 text.") from error
    return spec_from_yaml(text, where=str(path), folder=path.resolve().parent, untrusted=untrusted)


def bundled_names() -> list[str]:
    """The names `load_spec` knows without a file."""
    names = (f.name for f in resources.files(__package__).iterdir())
    return sorted(n.removesuffix(".yaml") for n in names if n.endswith(".yaml"))


def spec_from_yaml(
    text: str, *, where: str = "the spec", folder: Path | None = None, untrusted: bool = False
) -> SequenceSpec:
    """Builds a spec from YAML text.

    Args:
        text: YAML (JSON is YAML too).
        where: How errors name the text, usually its file.
        folder: Folder that the relative paths of files start from.
        untrusted: See `load_spec`.

    Raises:
        SpecError: It is not YAML, or not a spec.
    """
    node, data = load(text, where)
    if not isinstance(data, dict) or not isinstance(node, yaml.MappingNode):
        raise SpecError(
            f"{where} is not a spec.", expected="a mapping with name, sequence and label", received=f"{data!r:.60}"
        )
    try:
        # A second parse as JSON keeps strictness (yes is not a string) and lets lists be tuples.
        spec = SequenceSpec.model_validate_json(json.dumps(data, default=str))
    except pydantic.ValidationError as error:
        raise SpecError(explain_problems(error, node, where, "spec")) from None
    check_causality(spec)
    if untrusted:
        check_untrusted(spec, where)
    return _resolve_files(spec, folder) if folder else spec


def spec_to_yaml(spec: SequenceSpec) -> str:
    """The spec as YAML, without what is default.

    >>> spec = load_spec("japanese_vowels")
    >>> spec_from_yaml(spec_to_yaml(spec)) == spec
    True
    """
    dumped = spec.model_dump(mode="json", exclude_defaults=True)
    return yaml.dump(dumped, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=None, width=100)


class _Dumper(yaml.SafeDumper):
    """Quotes the rarer line breaks of Unicode, which YAML would read as spaces."""

    def represent_text(self, text: str) -> yaml.Node:
        style = '"' if re.search("[\x85\u2028\u2029]", text) else None
        return self.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _Dumper.represent_text)


def spec_to_json(spec: SequenceSpec, sections: tuple[str, ...] | None = None) -> str:
    """Canonical JSON of the spec, of the named sections only if any.

    Sections left out get their defaults when the text is read again with
    `spec_from_json`, so a stage that reads only its own sections has a text that
    no other edit changes.
    """
    dumped = spec.model_dump(mode="json")
    tuned = spec.tuning is not None and "model.bidirectional" in spec.tuning.parameters
    if tuned or (sections is not None and "model" not in sections):
        # It follows from sections that are left out, or that a trial changes.
        say_causal(dumped, spec)
    if sections is not None:
        dumped = {k: v for k, v in dumped.items() if k in sections}
        if sections == TRANSFORM_SECTIONS:
            for label in (dumped["label"], *dumped["labels"].values()):
                _drop_training_fields(label)
        dumped.setdefault("name", "stage")
    return json.dumps(dumped, sort_keys=True, separators=(",", ":"))


def _drop_training_fields(label: dict[str, Any] | None) -> None:
    """Keeps what Transform needs of a label; it counts classes only if weights depend on the counts."""
    if label is not None:
        kept = {"class_weights": "balanced"} if label["class_weights"] == "balanced" else {}
        for field in TRAINING_FIELDS:
            del label[field]
        label |= kept


def digest_of(plain: Any) -> str:
    """SHA-256 of plain data, whatever the order of its keys.

    >>> digest_of({"a": 1, "b": [2]}) == digest_of({"b": [2], "a": 1})
    True
    """
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


@functools.lru_cache(maxsize=64)
def spec_from_json(text: str) -> SequenceSpec:
    """The spec that `spec_to_json` wrote.

    TFX hands each component the text; a process parses it once, and all its components share the frozen spec.

    >>> text = spec_to_json(load_spec("japanese_vowels"))
    >>> spec_from_json(text) is spec_from_json(text), spec_from_json(text) == load_spec("japanese_vowels")
    (True, True)
    """
    return SequenceSpec.model_validate_json(text)


def fingerprint(spec: SequenceSpec, sections: tuple[str, ...] | None = None) -> str:
    """A hash of all that the spec determines, contents of vocabulary and vector files included.

    Equal for specs that mean the same, in whatever order they were written.
    `description` does not count.
    """
    dumped = json.loads(spec_to_json(spec, sections))
    dumped.pop("description", None)
    digest = hashlib.sha256(json.dumps(dumped, sort_keys=True).encode())
    for name, column in spec.columns.items():
        for field, file in named_files(column):
            digest.update(f"{name} {field}".encode() + hashlib.sha256(_read_bytes(file, field, name)).digest())
    return digest.hexdigest()


def json_schema() -> dict[str, Any]:
    """JSON Schema of the spec's file, for editors that complete and check YAML."""
    schema = SequenceSpec.model_json_schema(mode="validation")
    for definition in schema["$defs"].values():
        # The spec fills these from the column's place and name.
        definition.get("properties", {}).pop("is_sequence", None)
        if "key" in definition.get("required", []) and definition["title"] != "Label":
            definition["required"].remove("key")
        if "type" in definition.get("properties", {}) and "const" in definition["properties"]["type"]:
            definition["required"] = sorted({*definition.get("required", []), "type"})
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "tfx-sequences spec"
    return schema


def _resolve_files(spec: SequenceSpec, folder: Path) -> SequenceSpec:
    """Makes the relative files that columns name, and the warm start's model, absolute from the spec's own folder."""
    changed: dict[str, Any] = {}
    for section in ("context", "sequence"):
        columns = dict(getattr(spec, section))
        for name, column in columns.items():
            for field, file in named_files(column):
                if "://" not in file:
                    columns[name] = _with_file(columns[name], field, folder / file, f"{section}.{name}")
        changed[section] = columns
    model = spec.training.warm_start
    if model is not None and "://" not in model:
        changed["training"] = spec.training.model_copy(update={"warm_start": str(folder / model)})
    return spec.model_copy(update=changed)


_FILES = {
    "vocabulary_file": "a text file with one term per line",
    "embedding.vectors_file": "text lines 'term x1 x2 ...', or an array in a .npy file",
    "embedding.vectors_terms_file": "a text file with one term per line",
}


def _with_file(column: Any, field: str, path: Path, where: str) -> Any:
    if not path.is_file():
        what = field.removeprefix("embedding.").removesuffix("_file").replace("_", " ")
        raise SpecError(
            f"{where}: no such {what} file.",
            expected=_FILES[field],
            received=str(path),
            fix=f"Correct {field}; a relative path starts from the spec's folder.",
        )
    if field.startswith("embedding."):
        embedding = column.embedding.model_copy(update={field.removeprefix("embedding."): str(path)})
        return column.model_copy(update={"embedding": embedding})
    return column.model_copy(update={field: str(path)})


def _read_bytes(file: str, field: str, name: str) -> bytes:
    try:
        return read_bytes(file)
    except OSError as error:
        raise SpecError(f"{name}: {field} cannot be read: {error}", fix=f"Correct {field}.") from error


def explain_problems(error: pydantic.ValidationError, node: yaml.MappingNode, where: str, what: str) -> str:
    """Why a YAML file is not valid, line by line.

    Args:
        error: The error of its validation.
        node: The file, composed.
        where: How the message names the file.
        what: What the file should be.
    """
    problems = []
    for problem in error.errors(include_url=False):
        loc = [str(part) for part in problem["loc"]]
        context = problem.get("ctx", {})
        if problem["type"] == "unknown_key":
            line, _ = _find(node, [*loc, context["key"]])
            _, path = _find(node, loc)
        else:
            line, path = _find(node, loc)
        problems.append(f"  line {line}: {'.'.join(path) or f'the {what}'}: {_message(problem, context)}")
    # A union reports a value once per member.
    problems = list(dict.fromkeys(problems))
    return "\n".join([f"{where} is not a valid {what} ({len(problems)} to correct):", *problems])


def _message(problem: Any, context: dict[str, Any]) -> str:
    if problem["type"] == "missing":
        return "missing, and has no default"
    if problem["type"] in ("union_tag_invalid", "union_tag_not_found"):
        known = tuple(COLUMN_TYPES)
        received = context.get("tag")
        if received is None:
            return f"needs a 'type': one of {', '.join(known)}"
        return f"unknown type '{received}'.{did_you_mean(received, known)} Known types: {', '.join(known)}"
    if problem["type"] in ("unknown_key", "value_error"):
        return problem["msg"].removeprefix("Value error, ")
    return f"{problem['msg']} (received {problem['input']!r:.60})"


def _find(node: yaml.Node, loc: list[str]) -> tuple[int, list[str]]:
    """Line of the deepest part of `loc` that the file has, and `loc` without parts it cannot have.

    Validation's locations also name the member of a union (`numeric`), which no file has.
    """
    line, path = node.start_mark.line + 1, []
    for index, part in enumerate(loc):
        if isinstance(node, yaml.MappingNode):
            found = [(key, value) for key, value in node.value if key.value == part]
            is_last = index == len(loc) - 1
            if found:
                line, node = found[0][0].start_mark.line + 1, found[0][1]
            elif not is_last or _is_of_a_union(part):
                continue
            path.append(part)
        elif isinstance(node, yaml.SequenceNode) and part.isdigit() and int(part) < len(node.value):
            node = node.value[int(part)]
            line = node.start_mark.line + 1
            path.append(part)
    return line, path


def _is_of_a_union(part: str) -> bool:
    return part in COLUMN_TYPES or part in ("float", "int", "str", "Scaling", "ZScoreBy") or "[" in part
