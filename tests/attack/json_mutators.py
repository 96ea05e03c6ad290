"""Mutators of JSON requests: of their structure, of the records in them, and of their text."""

from __future__ import annotations

import base64
import binascii
import contextlib
import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from tests.attack.record_mutators import mutated as mutated_record
from tests.attack.wire import SEQUENCE_EXAMPLE

# Functions, so that no two mutants share a list.
WILD: list[Callable[[], Any]] = [
    lambda: None,
    lambda: True,
    lambda: 0,
    lambda: -1,
    lambda: 0.5,
    lambda: 10**400,
    lambda: -(2**63),
    lambda: 2**63,
    lambda: 1e39,
    lambda: 1e308,
    lambda: float("nan"),
    lambda: float("inf"),
    lambda: "",
    lambda: "text",
    lambda: "\ud800",
    lambda: "\0",
    lambda: "x" * 10_000,
    list,
    lambda: [[]],
    lambda: [[[[[]]]]],
    dict,
    lambda: {"b64": ""},
    lambda: {"b64": "%%"},
    lambda: {"b64": 3},
    lambda: {"b64": "AAAA", "more": 1},
    lambda: {"": ""},
    lambda: [1, "a", None],
    lambda: [{"b64": "AAAA"}],
    lambda: list(range(5000)),
    lambda: nested(60),
]
KEYS = (
    "instances",
    "inputs",
    "signature_name",
    "rows",
    "join",
    "examples",
    "sequence_length",
    "b64",
    "",
    "é",
    "__proto__",
)
SIGNATURES = (
    "serving_default",
    "serving_example",
    "serving_elwc",
    "serving_tensors",
    "transform_features",
    "evaluation_inputs",
    "evaluation_outputs",
    "__saved_model_init_op",
    "",
    "no_such",
)


def nested(depth: int) -> Any:
    """A list in a list in a list."""
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def mutated(request: dict, random: np.random.Generator) -> bytes:
    """The body of a request with one to three kinds of damage."""
    value = copy.deepcopy(request)
    for _ in range(int(random.integers(1, 4))):
        value = _STRUCTURE[int(random.integers(len(_STRUCTURE)))](value, random)
    # JSON has no numbers that are not finite, but many libraries write them.
    body = json.dumps(value, ensure_ascii=bool(random.integers(2))).encode("utf-8", "surrogatepass")
    return _one(_TEXT, random)(body, random) if random.random() < 0.2 else body


def _one(things: Any, random: np.random.Generator) -> Any:
    return things[int(random.integers(len(things)))]


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Each container with a key of it, at most some hundred."""
    waiting, count = [value], 0
    while waiting and count < 300:
        container = waiting.pop()
        keys = list(container) if isinstance(container, dict) else range(len(container))
        for key in keys:
            count += 1
            yield container, key
            if isinstance(container[key], dict | list):
                waiting.append(container[key])


def _place(value: Any, random: np.random.Generator) -> tuple[Any, Any] | None:
    places = list(_places(value)) if isinstance(value, dict | list) else []
    return _one(places, random) if places else None


def _at_a_place(change: Callable[[Any, Any, np.random.Generator], None]) -> Callable[[Any, np.random.Generator], Any]:
    def mutator(value: Any, random: np.random.Generator) -> Any:
        place = _place(value, random)
        if place is not None:
            change(*place, random)
        return value

    return mutator


@_at_a_place
def _wild_value(container, key, random):
    container[key] = _one(WILD, random)()


@_at_a_place
def _removed(container, key, random):
    del container[key]


@_at_a_place
def _repeated(container, key, random):
    if isinstance(container, list):
        container[key:key] = [copy.deepcopy(container[key])] * int(random.integers(1, 40))
    else:
        container[_one(KEYS, random)] = copy.deepcopy(container[key])


@_at_a_place
def _renamed(container, key, random):
    if isinstance(container, dict):
        container[_one([*KEYS, f"{key}x", key[:-1]], random)] = container.pop(key)


@_at_a_place
def _in_a_list(container, key, random):
    container[key] = [container[key]]


@_at_a_place
def _out_of_a_list(container, key, random):
    if isinstance(container[key], list) and container[key]:
        container[key] = container[key][0]


@_at_a_place
def _other_number(container, key, random):
    value = container[key]
    if isinstance(value, int | float) and not isinstance(value, bool):
        container[key] = _one([-value, value + 1, value * 10**30, value + 0.5, str(value)], random)


@_at_a_place
def _other_record(container, key, random):
    value = container[key]
    if key == "b64" and isinstance(value, str):
        # What is damaged already may have no structure.
        with contextlib.suppress(binascii.Error, ValueError, LookupError, DecodeError):
            record = mutated_record(base64.b64decode(value), SEQUENCE_EXAMPLE, random)[1]
            container[key] = base64.b64encode(record).decode()


@_at_a_place
def _as_text(container, key, random):
    container[key] = json.dumps(container[key])


def _other_signature(value: Any, random: np.random.Generator) -> Any:
    if isinstance(value, dict):
        value["signature_name"] = _one(SIGNATURES, random)
    return value


def _something_else(value: Any, random: np.random.Generator) -> Any:
    return _one(WILD, random)() if random.random() < 0.1 else value


_STRUCTURE = [
    _wild_value,
    _removed,
    _repeated,
    _renamed,
    _in_a_list,
    _out_of_a_list,
    _other_number,
    _other_record,
    _other_record,
    _other_record,
    _as_text,
    _other_signature,
    _something_else,
]


def _cut(body: bytes, random: np.random.Generator) -> bytes:
    return body[: int(random.integers(len(body) + 1))]


def _other_byte(body: bytes, random: np.random.Generator) -> bytes:
    at = int(random.integers(max(len(body), 1)))
    return body[:at] + bytes([int(random.integers(256))]) + body[at + 1 :]


def _twice(body: bytes, random: np.random.Generator) -> bytes:
    return body + body


def _key_twice(body: bytes, random: np.random.Generator) -> bytes:
    return body[:-1] + b', "inputs": 1, "inputs": 2}'


def _other_encoding(body: bytes, random: np.random.Generator) -> bytes:
    text = body.decode("utf-8", "replace")
    return text.encode(_one(["utf-16", "utf-32", "latin-1", "utf-8-sig"], random), "replace")


def _deep(body: bytes, random: np.random.Generator) -> bytes:
    depth = int(_one([100, 900, 5000, 100_000], random))
    return b'{"inputs": ' + b"[" * depth + b"]" * depth + b"}"


def _inserted(body: bytes, random: np.random.Generator) -> bytes:
    at = int(random.integers(len(body) + 1))
    word = _one([b"\0", b"\xff", b"//", b"NaN", b"Infinity", b"1e999", b"9" * 500, b"\\u0000", b"{", b"]"], random)
    return body[:at] + word + body[at:]


_TEXT = [_cut, _other_byte, _twice, _key_twice, _other_encoding, _deep, _inserted]
