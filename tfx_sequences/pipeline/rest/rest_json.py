"""The JSON of TensorFlow Serving's REST predict API: requests to arrays, arrays to responses.

See https://www.tensorflow.org/tfx/serving/api_rest. This server may reject what TensorFlow Serving accepts (an unknown
input), never the other way round.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from tfx_sequences.components.serving.names import SERVING_SIGNATURE
from tfx_sequences.components.serving.request_values import GREATEST_FLOAT
from tfx_sequences.errors import did_you_mean, shortened
from tfx_sequences.pipeline.rest.rest_limits import Limits, RestError, check_padded_steps, check_rows

_BYTES_SUFFIX = "_bytes"


@dataclasses.dataclass(frozen=True)
class PredictRequest:
    """A request as arrays.

    Attributes:
        signature_name: Name of the signature.
        inputs: Arrays by name; strings are objects of bytes.
        by_row: The request has `instances`, so the response has `predictions`.
    """

    signature_name: str
    inputs: dict[str, np.ndarray]
    by_row: bool


def parse_json(body: bytes) -> dict[str, Any]:
    """The JSON object in a body.

    Raises:
        RestError: The body is not a JSON object.
    """
    if not body:
        raise RestError(400, "The body is empty; expected a JSON object with 'instances' or 'inputs'.")
    try:
        # From bytes, Python would also read UTF-16 and halves of surrogate pairs.
        parsed = json.loads(body.decode(), object_pairs_hook=_object)
        if b"\\u" in body:
            # Half of a surrogate pair can be escaped, but no text that is read or answered can hold it.
            json.dumps(parsed, ensure_ascii=False).encode()
    except RecursionError:
        raise RestError(400, "The body is nested too deeply.") from None
    except UnicodeDecodeError as error:
        raise RestError(400, f"The body is not UTF-8: {error.reason} at byte {error.start}.") from None
    except UnicodeEncodeError:
        raise RestError(400, "The body has half of a surrogate pair, which UTF-8 cannot encode.") from None
    except ValueError as error:
        raise RestError(400, f"The body is not JSON: {error}.") from None
    if not isinstance(parsed, dict):
        raise RestError(400, f"The body is {_kind(parsed)}; expected an object with 'instances' or 'inputs'.")
    return parsed


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; Python would silently use the last value of a key."""
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in found if keys.count(key) > 1)
        raise RestError(400, f"The body has an object with the key '{twice}' more than once.")
    return found


def signature_of(request: Mapping[str, Any]) -> str:
    """The name of the signature that a request asks for.

    Raises:
        RestError: A key is unknown, or the name is not a string.
    """
    known = ("signature_name", "instances", "inputs")
    for key in request:
        if key not in known:
            raise RestError(400, f"Unknown key '{key}'.{did_you_mean(key, known)} Known keys: {shortened(known)}.")
    name = request.get("signature_name", SERVING_SIGNATURE)
    if not isinstance(name, str):
        raise RestError(400, f"'signature_name' is {_kind(name)}; expected a string.")
    return name or SERVING_SIGNATURE


def parse_request(request: Mapping[str, Any], specs: Mapping[str, Any], limits: Limits) -> PredictRequest:
    """The arrays for a signature's inputs.

    Args:
        request: The body's object.
        specs: The inputs' `tf.TensorSpec`, by name.
        limits: Limits of the request.

    Raises:
        RestError: A name, shape or value does not fit; the message says where.
    """
    given = [key for key in ("instances", "inputs") if key in request]
    if len(given) != 1:
        received = "both" if given else "neither"
        raise RestError(400, f"Expected one of 'instances' and 'inputs', received {received}.")
    by_row = given == ["instances"]
    columns = _of_rows(request["instances"], specs, limits) if by_row else _of_columns(request["inputs"], specs)
    inputs = {name: to_array(value, specs[name], f"'{name}'", limits) for name, value in columns.items()}
    return PredictRequest(signature_of(request), inputs, by_row)


def _of_rows(instances: Any, specs: Mapping[str, Any], limits: Limits) -> dict[str, Any]:
    if not isinstance(instances, list) or not instances:
        raise RestError(400, f"'instances' is {_kind(instances)}; expected a list with at least one row.")
    check_rows(len(instances), limits)
    named = _is_named(instances[0])
    if not named and len(specs) > 1:
        raise RestError(400, f"'instances' contains plain values; expected objects with the inputs {shortened(specs)}.")
    columns: dict[str, list[Any]] = {name: [] for name in specs}
    for index, instance in enumerate(instances):
        if _is_named(instance) != named:
            raise RestError(400, f"instances[{index}] is {_kind(instance)}, which differs from the first row.")
        if not named:
            columns[next(iter(specs))].append(instance)
            continue
        _check_names(instance, specs, f"instances[{index}]")
        for name in specs:
            columns[name].append(instance[name])
    return columns


def _of_columns(inputs: Any, specs: Mapping[str, Any]) -> dict[str, Any]:
    if not _is_named(inputs):
        if len(specs) > 1:
            raise RestError(400, f"'inputs' is {_kind(inputs)}; expected an object with the inputs {shortened(specs)}.")
        return {next(iter(specs)): inputs}
    _check_names(inputs, specs, "'inputs'")
    return {name: inputs[name] for name in specs}


def _check_names(given: Mapping[str, Any], specs: Mapping[str, Any], where: str) -> None:
    for name in given:
        if name not in specs:
            hint = did_you_mean(name, specs)
            raise RestError(400, f"{where} has an unknown input '{name}'.{hint} Inputs: {shortened(specs)}.")
    missing = [name for name in specs if name not in given]
    if missing:
        raise RestError(
            400,
            f"{where} lacks the input{'s' if len(missing) > 1 else ''} {shortened(missing)}. An input whose feature "
            "has a default can be an empty list in 'inputs', but must be named.",
        )


def to_array(value: Any, spec: Any, name: str, limits: Limits) -> np.ndarray:
    """An input's array; an empty list gives zero rows.

    Args:
        value: Nested lists.
        spec: The input's `tf.TensorSpec`.
        name: Its name in messages.
        limits: Limits of rows and steps.

    Raises:
        RestError: The lists are ragged, have another nesting than `spec`, or contain another type.
    """
    sizes: list[int] = []
    level, where = [value], [""]
    for axis, size in enumerate(spec.shape):
        for item, place in zip(level, where, strict=True):
            if not isinstance(item, list):
                raise RestError(
                    400, f"{name}{place} is {_kind(item)}; expected a list, because the shape is {_shape(spec)}."
                )
        found = len(level[0]) if level else size or 0
        if axis == 0:
            check_rows(found, limits)
        elif axis == 1 and size is None:
            if found > limits.steps:
                raise RestError(400, f"{name} has {found} steps; at most {limits.steps} are allowed.")
            check_padded_steps(sizes[0], found, limits)
        for item, place in zip(level, where, strict=True):
            if len(item) != (found if size is None else size):
                expected = (
                    f"{size}, because the shape is {_shape(spec)}" if size is not None else f"{found}, as in the first"
                )
                raise RestError(400, f"{name}{place} has {len(item)} elements; expected {expected}.")
        sizes.append(found)
        if axis + 1 < len(spec.shape) or len(level) < 2:
            where = [f"{place}[{n}]" for item, place in zip(level, where, strict=True) for n in range(len(item))]
        else:
            where = []
        level = [element for item in level for element in item]
    values = [_leaf(x, spec.dtype.name, name, n, sizes) for n, x in enumerate(level)]
    dtype = object if spec.dtype.name == "string" else spec.dtype.as_numpy_dtype
    array = np.empty(len(values), dtype)
    array[:] = values
    return array.reshape(sizes)


def _leaf(value: Any, dtype: str, name: str, number: int, sizes: list[int]) -> Any:
    def fail(expected: str) -> RestError:
        place = "".join(f"[{index}]" for index in np.unravel_index(number, sizes)) if sizes else ""
        return RestError(400, f"{name}{place} is {_kind(value)}; expected {expected}.")

    if dtype == "string":
        if isinstance(value, str):
            try:
                return value.encode()
            except UnicodeEncodeError:
                raise fail("text that UTF-8 can encode") from None
        if not isinstance(value, dict) or set(value) != {"b64"} or not isinstance(value["b64"], str):
            raise fail('a string, or {"b64": "..."}')
        try:
            return base64.b64decode(value["b64"], validate=True)
        except (binascii.Error, ValueError) as error:
            raise fail(f"base64 under 'b64' ({error})") from None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise fail("a number")
    if dtype.startswith("int"):
        if not isinstance(value, int):
            raise fail("a whole number")
        if not -(2**63) <= value < 2**63:
            raise fail("a number that an int64 can hold")
        return value
    # Compared as Python numbers: an integer may have too many digits for a float.
    if abs(value) > GREATEST_FLOAT:
        raise fail("a number that a float32 can hold")
    return value


def write_answer(outputs: Mapping[str, np.ndarray], by_row: bool) -> dict[str, Any]:
    """The response of a signature: `predictions` by row, or `outputs` by name; plain values for a single output.

    Raises:
        RestError: A number is not finite, which JSON cannot express.
    """
    for name, values in outputs.items():
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            row = int(np.argwhere(~np.isfinite(values))[0][0])
            raise RestError(
                400,
                f"'{name}' of row {row} is not finite: look for NaN, infinite or very large values in the row's "
                "features.",
            )
    plain = {name: _plain(values.tolist(), name) for name, values in outputs.items()}
    if not by_row:
        return {"outputs": next(iter(plain.values())) if len(plain) == 1 else plain}
    if len(plain) == 1:
        return {"predictions": next(iter(plain.values()))}
    rows = zip(*plain.values(), strict=True)
    return {"predictions": [dict(zip(plain, row, strict=True)) for row in rows]}


def _plain(value: Any, name: str) -> Any:
    if isinstance(value, list):
        return [_plain(element, name) for element in value]
    if isinstance(value, bytes):
        try:
            if not name.endswith(_BYTES_SUFFIX):
                return value.decode()
        except UnicodeDecodeError:
            pass
        return {"b64": base64.b64encode(value).decode()}
    return value


def _is_named(value: Any) -> bool:
    return isinstance(value, dict) and set(value) != {"b64"}


def _shape(spec: Any) -> str:
    return f"[{', '.join('?' if size is None else str(size) for size in spec.shape)}]"


def _kind(value: Any) -> str:
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, dict):
        return f"an object with {shortened(value, 3) or 'nothing'}"
    text = json.dumps(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
