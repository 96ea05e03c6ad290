"""The card of an exported model: its spec, data and files, so that the model is only used with what fits it.

`tfx_sequences.json` is next to the SavedModel, with a copy in `assets.extra`, the SavedModel's folder for files that do
not belong to the graph.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from typing import Any

from absl import logging

from tfx_sequences.components.numbers.chosen import Choices
from tfx_sequences.components.records.paths import AnyPath, path_of
from tfx_sequences.components.serving.model_files import FILES, check_files, digest_of_card
from tfx_sequences.components.serving.names import EXAMPLE_SIGNATURE
from tfx_sequences.errors import SpecError, UserInputError
from tfx_sequences.schemas.columns.internal_names import internal_name
from tfx_sequences.schemas.features.computed_vocabularies import computed_vocabularies
from tfx_sequences.schemas.features.request_inputs import MISSING, request_inputs, why_no_examples
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec
from tfx_sequences.schemas.spec.spec_diff import SpecContents, contents_of, listed, spec_changes
from tfx_sequences.schemas.spec.spec_io import fingerprint, spec_from_json, spec_to_json
from tfx_sequences.version import __version__

MODEL_CARD = "tfx_sequences.json"
_EXTRA = "assets.extra"
_COPY = os.path.join(_EXTRA, MODEL_CARD)
_DIGEST = os.path.join(_EXTRA, "tfx_sequences_card.sha256")

Card = dict[str, Any]


def find_model(path: str | os.PathLike[str]) -> AnyPath:
    """The SavedModel folder that `path` refers to.

    Args:
        path: The folder itself, a folder of numbered versions (the newest is used),
            or the output folder of a run; local, or a URI that TensorFlow reads.

    Raises:
        UserInputError: There is no model of tfx-sequences there.
    """
    path = path_of(path)
    for folder in (path, path / "pushed_model"):
        versions = [v for v in folder.glob("*/saved_model.pb") if v.parent.name.isdigit()]
        candidates = [folder, *sorted((v.parent for v in versions), key=lambda v: int(v.name), reverse=True)]
        for candidate in candidates:
            if (candidate / "saved_model.pb").is_file() and (candidate / MODEL_CARD).is_file():
                return candidate
    foreign = (path / "saved_model.pb").is_file()
    raise UserInputError(
        f"There is no model of tfx-sequences in {path}.",
        expected=f"a folder with saved_model.pb and {MODEL_CARD}, a folder of its versions, or a run's output folder",
        received="a SavedModel that this package did not export"
        if foreign
        else "a folder without a model"
        if path.is_dir()
        else "no such folder",
        fix="Use the folder that 'tfx-sequences run' printed as the pushed model.",
    )


def make_card(
    spec: SequenceSpec, classes: Mapping[str, tuple[str, ...]], transform_dir: str, normalizers: Choices | None = None
) -> Card:
    """The card of a model.

    Args:
        spec: The spec it was trained with.
        classes: Classes by head.
        transform_dir: The transform graph, a SavedModel.
        normalizers: The choices for columns whose normalizer is `auto`.

    Returns:
        `fingerprint` and `spec`, `files` (digests of the files that the spec names), `classes`, `transform` (the
        graph's digest, and its vocabularies), `names` (see `internal_names`), `normalizers` (what `auto` chose, and
        why), `inputs` of the tensor signature, and `left_out`: the signatures that are not available for this spec, and
        why.
    """
    without = why_no_examples(spec)
    inputs = {
        name: {
            "feature": given.feature.tensor_name,
            "dtype": given.feature.dtype,
            "shape": list(given.shape),
            "missing": "NaN" if given.feature.dtype == "float32" else MISSING[given.feature.dtype],
            "required": given.feature.required,
        }
        for name, given in request_inputs(spec).items()
    }
    contents = contents_of(spec)
    return {
        "tfx_sequences_version": __version__,
        "fingerprint": fingerprint(spec),
        "classes": {name: list(its) for name, its in classes.items()},
        "transform": digest_of_transform(transform_dir),
        "names": _names(spec),
        "normalizers": {name: dict(choice) for name, choice in (normalizers or {}).items()},
        "files": dict(contents.files),
        "inputs": inputs,
        "left_out": {EXAMPLE_SIGNATURE: without} if without else {},
        "spec": dict(contents.spec),
    }


def _names(spec: SequenceSpec) -> dict[str, dict[str, str]]:
    """By transformed feature, its key in the record, the name of the network's input, and the vocabulary's file."""
    files = {name: file for file, names in computed_vocabularies(spec).items() for name in names}
    return {
        name: {
            "key": column.key,
            "input": internal_name(name),
            **({"vocabulary": files[name]} if name in files else {}),
        }
        for name, column in spec.columns.items()
    }


def digest_of_transform(transform_dir: str) -> dict[str, Any]:
    """SHA-256 of a transform graph with all its files, and the digest and number of lines of each vocabulary."""
    import tensorflow as tf

    whole, vocabularies = hashlib.sha256(), {}
    files = sorted(os.path.join(folder, name) for folder, _, names in tf.io.gfile.walk(transform_dir) for name in names)
    for file in files:
        with tf.io.gfile.GFile(file, "rb") as opened:
            data = opened.read()
        digest = hashlib.sha256(data).hexdigest()
        place = os.path.relpath(file, transform_dir)
        whole.update(f"{place} {digest}\n".encode())
        if os.path.dirname(place) == "assets":
            vocabularies[os.path.basename(place)] = {"terms": data.count(b"\n"), "digest": digest}
    return {"digest": whole.hexdigest(), "vocabularies": vocabularies}


def checksum_of(model_dir: str) -> str:
    """TensorFlow's checksum of the SavedModel, from its `fingerprint.pb`."""
    import tensorflow as tf

    return str(tf.saved_model.experimental.read_fingerprint(model_dir).saved_model_checksum)


def write_card(card: Card, model_dir: str) -> None:
    """Writes the card to both places in the model's folder, and its digest."""
    import tensorflow as tf

    tf.io.gfile.makedirs(os.path.join(model_dir, _EXTRA))
    text = json.dumps(card, indent=1)
    for place, content in ((MODEL_CARD, text), (_COPY, text), (_DIGEST, digest_of_card(json.loads(text)))):
        with tf.io.gfile.GFile(os.path.join(model_dir, place), "w") as file:
            file.write(content)


def read_card(model_dir: str | os.PathLike[str]) -> Card:
    """The card of the model in a folder.

    Raises:
        UserInputError: The card is missing or cannot be read, or it does not belong to the SavedModel next to it.
    """
    card = _read(model_dir, MODEL_CARD)
    if FILES in card or (path_of(model_dir) / _DIGEST).exists():
        _check_digest(model_dir, card)
        check_files(path_of(model_dir), card)
    else:
        logging.info("The model in %s is of an earlier version: its card has no digests of its files.", model_dir)
    if (path_of(model_dir) / _COPY).is_file() and _read(model_dir, _COPY) != card:
        raise _foreign(model_dir, f"{_COPY}, which has other contents")
    if (path_of(model_dir) / "fingerprint.pb").is_file() and "saved_model_checksum" in card:
        try:
            checksum = checksum_of(str(model_dir))
        except (RuntimeError, OSError) as error:
            raise _foreign(model_dir, f"a fingerprint.pb that cannot be read: {error}") from error
        if checksum != card["saved_model_checksum"]:
            raise _foreign(model_dir, f"a SavedModel with checksum {checksum}, not {card['saved_model_checksum']}")
    return card


def spec_of_card(card: Mapping[str, Any], model_dir: str | os.PathLike[str]) -> SequenceSpec:
    """The spec a model was trained with.

    Raises:
        UserInputError: The card is from an incompatible version of the package.
    """
    try:
        return spec_from_json(json.dumps(card["spec"]))
    except ValueError as error:
        raise _unreadable(model_dir, MODEL_CARD, error, card.get("tfx_sequences_version")) from error


def contents_of_card(card: Mapping[str, Any]) -> SpecContents:
    """The spec in a card as plain data, with the defaults that this version adds."""
    try:
        spec = json.loads(spec_to_json(spec_from_json(json.dumps(card["spec"]))))
    except ValueError:  # of another version: its contents are compared unchanged
        spec = card["spec"]
    return SpecContents(spec, card.get("files", {}))


def check_model(card: Mapping[str, Any], spec: SequenceSpec, *, model: str = "the model") -> None:
    """Rejects a model that was trained with a spec that reads or labels records differently.

    Differences in training (`training`, `tuning`, the network, the splits) are allowed.

    Args:
        card: The model's card, as returned by `read_card`.
        spec: The spec to use the model with.
        model: The model's name in messages.

    Raises:
        SpecError: The message names each feature that changed.
    """
    changes = [c for c in spec_changes(contents_of_card(card), contents_of(spec)) if c.decides]
    if changes:
        raise SpecError(
            f"{model[0].upper()}{model[1:]} was trained with another spec.",
            expected="the same spec in all parts that determine how records are read and labelled",
            received=listed("changes from the model's spec to this one:", changes),
            fix="Use the spec that the model was trained with, or train a model with this spec.",
        )


def _check_digest(model_dir: str | os.PathLike[str], card: Card) -> None:
    try:
        digest = (path_of(model_dir) / _DIGEST).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(model_dir, _DIGEST, error) from error
    if digest != digest_of_card(card):
        raise _foreign(model_dir, f"a card whose contents do not have the digest in {_DIGEST}")


def _foreign(model_dir: str | os.PathLike[str], received: str) -> UserInputError:
    return UserInputError(
        f"The card of the model in {model_dir} does not belong to this model.",
        expected=f"{MODEL_CARD} and a SavedModel from the same export",
        received=received,
        fix="Copy the model's folder completely, without changes, or export the model again.",
    )


def _read(model_dir: str | os.PathLike[str], place: str) -> Card:
    try:
        card = json.loads((path_of(model_dir) / place).read_text("utf-8"))
        if not isinstance(card, dict) or not isinstance(card["spec"], dict):
            raise TypeError("not a card")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _unreadable(model_dir, place, error) from error
    return card


def _unreadable(model_dir: str | os.PathLike[str], place: str, error: Exception, version: Any = None) -> UserInputError:
    other = f"a card of version {version}: " if version and version != __version__ else ""
    return UserInputError(
        f"The card of the model in {model_dir} cannot be read.",
        expected=f"{place} as this version of tfx-sequences ({__version__}) writes it",
        received=f"{other}{type(error).__name__}: {' '.join(str(error).split())}"[:200],
        fix="Export the model again with 'tfx-sequences run'.",
    )
