"""The normalizers that Transform chose for `normalizer: auto`, read from its output."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from tfx_sequences.errors import shortened

Choices = Mapping[str, Mapping[str, Any]]
"""The result of `NormalizerChoice.report` for each column, by transformed name."""

_USUAL = "z_score"
_BEGIN = '{"tfx_sequences_normalizers": '


def report_text(choices: Choices) -> str:
    """The choices as the text that is stored in the transform graph.

    >>> report_text({})
    '{"tfx_sequences_normalizers": {}}'
    """
    return f"{_BEGIN}{json.dumps(choices, sort_keys=True)}}}"


def read_choices(transform_savedmodel_dir: str) -> Choices:
    """The choice for each column whose normalizer is `auto`.

    Args:
        transform_savedmodel_dir: The transform graph.
    """
    import tensorflow as tf
    from tensorflow.core.protobuf import saved_model_pb2

    with tf.io.gfile.GFile(os.path.join(transform_savedmodel_dir, "saved_model.pb"), "rb") as file:
        [meta_graph] = saved_model_pb2.SavedModel.FromString(file.read()).meta_graphs
    for node in meta_graph.graph_def.node:
        if node.op == "Const":
            for text in node.attr["value"].tensor.string_val:
                if text.startswith(_BEGIN.encode()):
                    [choices] = json.loads(text).values()
                    return dict(choices)
    return {}


def normalizers_of(choices: Choices) -> dict[str, str]:
    """The names of the normalizers, by column.

    >>> normalizers_of({"sequence.x": {"normalizer": "z_score", "why": "", "figures": {}}})
    {'sequence.x': 'z_score'}
    """
    return {name: choice["normalizer"] for name, choice in choices.items()}


def choice_lines(choices: Choices) -> list[str]:
    """Readable lines: one for each column whose normalizer is not the default, and one for all others.

    >>> choice_lines({
    ...     "sequence.x": {"normalizer": "log1p", "why": "heavy tails", "figures": {}},
    ...     "sequence.y": {"normalizer": "z_score", "why": "close to a normal distribution", "figures": {}},
    ... })
    ['sequence.x: log1p (heavy tails)', "'sequence.y': z_score"]
    """
    usual = [name for name, choice in choices.items() if choice["normalizer"] == _USUAL]
    lines = [
        f"{name}: {choice['normalizer']} ({choice['why']})" for name, choice in choices.items() if name not in usual
    ]
    return [*lines, f"{shortened(usual)}: {_USUAL}"] if usual else lines
