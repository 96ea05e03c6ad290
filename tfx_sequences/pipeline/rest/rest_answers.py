"""Answers of a model to the bodies of requests, and what the server says about the model."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tfx_sequences.compat import message_to_dict, return_freed_memory
from tfx_sequences.components.records.opening import opened
from tfx_sequences.components.records.paths import AnyPath
from tfx_sequences.components.serving.loaded_model import LoadedModel
from tfx_sequences.pipeline.rest.rest_json import parse_json, parse_request, signature_of, write_answer
from tfx_sequences.pipeline.rest.rest_limits import Limits, RestError, Work, check_sizes
from tfx_sequences.pipeline.rest.rest_rows import answer_rows

# A byte of JSON takes about as many bytes as Python objects.
_BYTES_PARSED = 10
# A request that took more gives its memory back at once: glibc would keep it.
_MOST_KEPT = 64 << 20


class Answers:
    """The answers of one model.

    Args:
        model: The model.
        limits: Limits of a request.
        computed: Called with what each request took.
    """

    def __init__(self, model: LoadedModel, limits: Limits, computed: Callable[[Work], None]) -> None:
        self._model = model
        self._limits = limits
        self._computed = computed

    def of(self, verb: str, body: bytes) -> bytes:
        """The JSON answer to the body of a request.

        Raises:
            RestError: The request is invalid, or exceeds a limit.
            UserInputError: The model cannot use the values.
        """
        answer, work = (self._predicted if verb == "predict" else self._rows)(body)
        encoded = json.dumps(answer, ensure_ascii=False).encode()
        del answer
        self._computed(work)
        if work.memory_bytes + _BYTES_PARSED * (len(body) + len(encoded)) > _MOST_KEPT:
            return_freed_memory()
        return encoded

    def _predicted(self, body: bytes) -> tuple[dict[str, Any], Work]:
        request = parse_json(body)
        signature_name = signature_of(request)
        parsed = parse_request(request, self._model.inputs_of(signature_name), self._limits)
        del request
        work = check_sizes(self._model, signature_name, parsed.inputs, self._limits)
        return write_answer(self._model.run(signature_name, parsed.inputs), parsed.by_row), work

    def _rows(self, body: bytes) -> tuple[dict[str, Any], Work]:
        return answer_rows(self._model, parse_json(body), self._limits)


def check_model(model: LoadedModel, served: str, name: str, version: str | None) -> None:
    """Rejects a request for another model or version than the one that is served.

    Raises:
        RestError: It is another one.
    """
    if name != served:
        raise RestError(404, f"Unknown model '{name}'; this server has '{served}'.")
    if version is not None and version != str(model.version):
        raise RestError(404, f"Unknown version '{version}' of model '{name}'; this server has version {model.version}.")


def status_of(model: LoadedModel) -> dict[str, Any]:
    """TensorFlow Serving's status of a model."""
    status = {"error_code": "OK", "error_message": ""}
    return {"model_version_status": [{"version": str(model.version), "state": "AVAILABLE", "status": status}]}


def metadata_of(model: LoadedModel, name: str) -> dict[str, Any]:
    """TensorFlow Serving's metadata of a model: the signatures."""
    model_spec = {"name": name, "signature_name": "", "version": str(model.version)}
    signatures = {"signature_def": {"signature_def": _signature_metadata(model.folder)}}
    return {"model_spec": model_spec, "metadata": signatures}


def _signature_metadata(folder: AnyPath) -> dict[str, Any]:
    """Inputs and outputs (dtype, shape) and method of each signature, in TensorFlow Serving's format.

    Args:
        folder: Folder of the SavedModel.
    """
    from tensorflow.core.protobuf import saved_model_pb2

    with opened(folder / "saved_model.pb") as file:
        data = file.read()
    saved = saved_model_pb2.SavedModel.FromString(data)
    found = {}
    for meta_graph in saved.meta_graphs:
        for name, signature in meta_graph.signature_def.items():
            if name.startswith("__"):  # TensorFlow's own signature for initialization
                continue
            # Includes default values: an unknown dimension has a name, but rank 0 is an empty list.
            found[name] = message_to_dict(signature)
            found[name].pop("defaults", None)
    return dict(sorted(found.items()))
