"""The transform graph remembers the spec it was made of, so that no network is trained on features of another one.

TFT keeps what `annotate_asset` is told beside the graph, in `asset_map`; the part of the spec there is a text, no file.
"""

from __future__ import annotations

import base64
import json
import os
import zlib

import tensorflow as tf
import tensorflow_transform as tft

from tfx_sequences.errors import SpecError
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec
from tfx_sequences.schemas.spec.spec_diff import SpecContents, contents_of, listed, spec_changes
from tfx_sequences.schemas.spec.spec_io import TRANSFORM_SECTIONS, spec_to_json

_KEY = "tfx_sequences_spec"


def record_spec(spec: SequenceSpec) -> None:
    """Notes the spec in the graph that is being traced."""
    contents = _contents(spec)
    text = json.dumps({"spec": contents.spec, "files": contents.files}, sort_keys=True)
    # TFT takes it for the name of a file, of which it keeps what is behind the last slash.
    tft.annotate_asset(_KEY, base64.urlsafe_b64encode(zlib.compress(text.encode(), 9)).decode())


def recorded_contents(transform_output: str) -> SpecContents:
    """What `record_spec` has noted, in the folder of Transform's graph.

    Raises:
        SpecError: Nothing: the graph was not made by this version of the package.
    """
    output = tft.TFTransformOutput
    path = os.path.join(transform_output, output.TRANSFORMED_METADATA_DIR, output.ASSET_MAP)
    names: dict[str, str] = {}
    if tf.io.gfile.exists(path):
        with tf.io.gfile.GFile(path) as file:
            names = json.loads(file.read())
    text = names.get(_KEY)
    if text is None:
        raise SpecError(
            "The transform graph does not say which spec it was made of.",
            expected="a graph of 'tfx_sequences.components.transform.preprocessing.preprocessing_fn' of this version",
            received=f"a graph whose asset_map names {', '.join(sorted(names)) or 'nothing'}",
            fix="Run Transform again.",
        )
    return SpecContents(**json.loads(zlib.decompress(base64.urlsafe_b64decode(text))))


def check_transform(transform_output: str, spec: SequenceSpec) -> None:
    """Refuses a transform graph that was made of a spec with other features, labels or kinds of records.

    Args:
        transform_output: The folder of Transform's graph.
        spec: What is to be trained.

    Raises:
        SpecError: The message names each feature that changed.
    """
    changes = spec_changes(recorded_contents(transform_output), _contents(spec))
    if changes:
        raise SpecError(
            "The transform graph was made of another spec.",
            expected="the spec that Transform was given, as far as it decides how records are read and transformed",
            received=listed("changes, from the graph's to this one:", changes),
            fix="Give Transform and Trainer the same spec, and run both.",
        )


def _contents(spec: SequenceSpec) -> SpecContents:
    """Of the sections that Transform reads; the name, which is not among them, is the same one for all."""
    return SpecContents(json.loads(spec_to_json(spec, TRANSFORM_SECTIONS)), contents_of(spec).files)
