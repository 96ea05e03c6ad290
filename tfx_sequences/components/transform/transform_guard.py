"""Stores the spec in the transform graph, so that no network is trained on features of another spec.

It stands next to the graph, in `asset_map`, where TFT stores the names of files.
"""

from __future__ import annotations

import base64
import json
import zlib

from tfx_sequences.components.transform.statistics_engine import StatisticsEngine
from tfx_sequences.components.transform.transform_output import read_asset_map
from tfx_sequences.errors import SpecError
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec
from tfx_sequences.schemas.spec.spec_diff import SpecContents, contents_of, listed, spec_changes
from tfx_sequences.schemas.spec.spec_io import TRANSFORM_SECTIONS, spec_to_json

_KEY = "tfx_sequences_spec"


def record_spec(engine: StatisticsEngine, spec: SequenceSpec) -> None:
    """Stores the spec in the graph that is being traced."""
    contents = _contents(spec)
    text = json.dumps({"spec": contents.spec, "files": contents.files}, sort_keys=True)
    # TFT treats it as a file name, and keeps only the part after the last slash.
    engine.annotate(_KEY, base64.urlsafe_b64encode(zlib.compress(text.encode(), 9)).decode())


def recorded_contents(transform_output: str) -> SpecContents:
    """The spec that `record_spec` stored, from the folder of Transform's graph.

    Raises:
        SpecError: The graph does not contain one: it was not made by this version of the package.
    """
    names = read_asset_map(transform_output)
    text = names.get(_KEY)
    if text is None:
        raise SpecError(
            "The transform graph does not contain its spec.",
            expected="a graph of 'tfx_sequences.components.transform.preprocessing.preprocessing_fn' in this version",
            received=f"a graph whose asset_map names {', '.join(sorted(names)) or 'nothing'}",
            fix="Run Transform again.",
        )
    return SpecContents(**json.loads(zlib.decompress(base64.urlsafe_b64decode(text))))


def check_transform(transform_output: str, spec: SequenceSpec) -> None:
    """Rejects a transform graph that was made with a spec with other features, labels or record types.

    Args:
        transform_output: The folder of Transform's graph.
        spec: The spec to train.

    Raises:
        SpecError: The message names each feature that changed.
    """
    changes = spec_changes(recorded_contents(transform_output), _contents(spec))
    if changes:
        raise SpecError(
            "The transform graph was made with another spec.",
            expected="Transform's spec, in all parts that determine how records are read and transformed",
            received=listed("changes from the graph's spec to this one:", changes),
            fix="Use the same spec for Transform and Trainer, and run both.",
        )


def _contents(spec: SequenceSpec) -> SpecContents:
    """The sections that Transform reads; they do not include the name."""
    return SpecContents(json.loads(spec_to_json(spec, TRANSFORM_SECTIONS)), contents_of(spec).files)
