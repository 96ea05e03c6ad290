"""Raw records to everything that a training reads: the transform graph, and transformed records of all splits."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import tensorflow as tf

from tfx_sequences.code_digest import code_digest
from tfx_sequences.components.transform.split_analysis import analyze_split
from tfx_sequences.components.transform.split_files import raw_split_files
from tfx_sequences.components.transform.transform_graph import TransformGraph
from tfx_sequences.components.transform.transform_output import TransformOutput
from tfx_sequences.components.transform.transformed_files import write_transformed
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec
from tfx_sequences.schemas.spec.spec_io import TRANSFORM_SECTIONS, digest_of, spec_to_json
from tfx_sequences.whole_files import written_whole

_FILES = "files.json"


@dataclasses.dataclass(frozen=True)
class TransformedData:
    """The data of a training.

    Attributes:
        graph: The folder of the transform graph.
        raw: Files of raw records by split.
        transformed: The file of transformed records by split.
        held_back: The splits whose records are taken from `train`.
        cached: Whether an earlier result was used.
    """

    graph: str
    raw: Mapping[str, Sequence[str]]
    transformed: Mapping[str, str]
    held_back: Sequence[str]
    cached: bool


def transformed_data(spec: SequenceSpec, files: Mapping[str, Sequence[str]], root: str | Path) -> TransformedData:
    """Analyzes and transforms the records of a data folder, unless that was done for the same spec, files and code.

    Args:
        spec: The spec.
        files: The files in the data folder by split, for the splits that have any.
        root: Folder for the result, of which only the newest is kept.
    """
    target = Path(root, _identity(spec, files))
    done = target / _FILES
    if done.is_file():
        return TransformedData(**json.loads(done.read_text("utf-8")), cached=True)
    shutil.rmtree(root, ignore_errors=True)
    target.mkdir(parents=True)
    raw, held_back = raw_split_files(spec, files, str(target))
    analyze_split(spec, raw["train"], str(target / "graph"))
    graph = TransformGraph(TransformOutput(str(target / "graph")).transform_savedmodel_dir)
    transformed = {}
    for name in sorted(raw):
        transformed[name] = str(target / f"transformed_{name}.tfrecord")
        write_transformed(spec, graph, raw[name], transformed[name])
    found = TransformedData(str(target / "graph"), raw, transformed, [*held_back.shares], cached=False)
    # Last, so that the result of an interrupted run is not used.
    contents = {name: value for name, value in dataclasses.asdict(found).items() if name != "cached"}
    with written_whole(done) as file:
        file.write(json.dumps(contents).encode())
    return found


def _identity(spec: SequenceSpec, files: Mapping[str, Sequence[str]]) -> str:
    stored = [
        [name, [[file, (its := tf.io.gfile.stat(file)).length, its.mtime_nsec] for file in paths]]
        for name, paths in sorted(files.items())
    ]
    said = spec_to_json(spec, (*TRANSFORM_SECTIONS, "splits"))
    return digest_of([said, stored, code_digest(__name__)])[:16]
