"""The compiled pipeline that the tests compare with.

`python -m tests.pipeline.cloud.golden_pipeline` writes it again.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

GOLDEN = Path(__file__).with_name("golden_pipeline.json")


def compiled(**changes: Any) -> dict[str, Any]:
    """The bundled spec's pipeline, compiled for Vertex AI."""
    from tfx_sequences.pipeline.cloud.compilation import compile_pipeline
    from tfx_sequences.schemas.spec.deployment import Deployment
    from tfx_sequences.schemas.spec.spec_io import load_spec

    deployment = {
        "defaults": {"cpu": 2, "memory_gb": 7.5},
        "components": {
            "SequenceTrainer": {
                "cpu": 8,
                "accelerator": {"type": "NVIDIA_TESLA_T4"},
                "image": "registry/cuda:1",
                "retries": 3,
            },
            "Transform": {"beam_args": ["--runner=DataflowRunner", "--project=p", "--region=europe-west4"]},
        },
    }
    options = {
        "data": "gs://bucket/records",
        "output_root": "gs://bucket/vowels",
        "image": "registry/sequences:1",
        "runner": "vertex",
        "splits_with_files": ("train", "test"),
        "deployment": Deployment.model_validate_json(json.dumps(deployment)),
    }
    return compile_pipeline(load_spec("japanese_vowels"), **{**options, **changes})


def normalised(document: Any) -> Any:
    """Without what versions, edits of our code, and fields added to specs change; still a pipeline."""
    if isinstance(document, dict):
        return {key: normalised(value) for key, value in document.items()}
    if isinstance(document, list):
        return [normalised(value) for value in document]
    if not isinstance(document, str):
        return document
    if document.startswith("{") and '"sequence"' in document:
        return "SPEC"
    if document.startswith("{") and '"spec"' in document and '"parameterType"' not in document:
        return json.dumps(normalised(json.loads(document)), sort_keys=True)
    document = re.sub(r"\b([0-9a-f]{64}|[0-9a-f]{32})\b", "DIGEST", document)
    return re.sub(r"^(tfx-)\d+[.]\d+[.]\d+$|^\d+-\d+(-\d+)?$", r"\1version", document)


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(normalised(compiled()), indent=1, sort_keys=True) + "\n")
