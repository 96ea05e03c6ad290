"""The values of one feature in one plain row, checked and converted to one layout."""

from __future__ import annotations

import base64
import binascii
import math
from typing import Any, NoReturn

import numpy as np

from tfx_sequences.components.numbers.byte_decoding import decode_arrays, encode_array
from tfx_sequences.errors import DataError
from tfx_sequences.schemas.columns.byte_numbers import ByteLayout
from tfx_sequences.schemas.columns.names import MISSING_INT
from tfx_sequences.schemas.features.raw_features import RawFeature
from tfx_sequences.schemas.features.request_inputs import MISSING

GREATEST_FLOAT = 3.4028234663852886e38
_MAY_LACK_ELEMENTS = ("feature", "label")
_WORDS = {"string": "a string", "int64": "a whole number", "float32": "a number"}


class RowFeature:
    """One feature in one row, with its checks and their messages.

    Args:
        feature: The feature.
        name: The feature's name in rows.
        row: The row's name in messages.
    """

    def __init__(self, feature: RawFeature, name: str, row: str) -> None:
        self._feature = feature
        self._name = name
        self._row = row

    def of_record(self, value: Any) -> list[Any] | None:
        """The flat values of a context feature; None if it is missing."""
        if is_missing(value):
            return None
        return self._flat(_plain(value), "")

    def of_steps(self, value: Any) -> list[list[Any]]:
        """The flat values of each step; an empty list for a missing step."""
        steps = _plain(value)
        if not isinstance(steps, list):
            self.fail(f"a list of steps, each {self._expected()}", steps, "", "Write one element for each step.")
        return [[] if is_missing(step) else self._flat(_plain(step), f" of step {n}") for n, step in enumerate(steps)]

    def missing(self) -> NoReturn:
        """Raises for a required feature that is missing."""
        raise DataError(
            f"{self._row}: the feature '{self._name}' is missing.",
            expected=self._expected(),
            received="no value",
            fix="Add it, or set `default_value` in the spec and train again.",
        )

    def fail(self, expected: str, value: Any, where: str, fix: str) -> NoReturn:
        """Raises for an invalid value."""
        raise DataError(
            f"{self._row}: the feature '{self._name}' cannot be used.",
            expected=expected,
            received=_shown(value) + where,
            fix=fix,
        )

    def _flat(self, value: Any, where: str) -> list[Any]:
        feature = self._feature
        if feature.layout is not None:
            return [self._encoded(value, feature.layout, where)]
        if feature.multi_valued:
            if not isinstance(value, list):
                self.fail(self._expected(), value, where, "Write a list, even for a single value.")
            return [self._scalar(element, where) for element in value]
        flat = [value]
        for size in feature.shape:
            if not all(isinstance(part, list) and len(part) == size for part in flat):
                wrong = next(part for part in flat if not (isinstance(part, list) and len(part) == size))
                self.fail(self._expected(), wrong, where, f"Give arrays of shape {list(feature.shape)}.")
            flat = [element for part in flat for element in part]
        return [self._scalar(element, where) for element in flat]

    def _scalar(self, value: Any, where: str) -> Any:
        dtype = self._feature.dtype
        if isinstance(value, list):
            self.fail(self._expected(), value, where, "Remove one level of lists.")
        if dtype == "string":
            return self._bytes(value, where)
        if self._feature.shape and self._feature.role in _MAY_LACK_ELEMENTS and is_missing(value):
            return MISSING[dtype]
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.fail(self._expected(), value, where, "Convert it, or correct the row.")
        if isinstance(value, float) and not math.isfinite(value):
            self.fail("a finite number", value, where, "Leave a missing value out, or write null.")
        if dtype == "float32":
            if abs(value) > GREATEST_FLOAT:
                self.fail("a number that a float32 can hold", value, where, "Correct the row.")
            return float(value)
        if value != int(value):
            self.fail(self._expected(), value, where, "Round it, or correct the row.")
        if not MISSING_INT < int(value) < 2**63:
            self.fail("a whole number that an int64 can hold", value, where, "Correct the row.")
        return int(value)

    def _encoded(self, value: Any, layout: ByteLayout, where: str) -> bytes:
        """The bytes that hold the numbers of a step (or record), given as bytes, in base64, or as numbers."""
        if isinstance(value, dict) and set(value) == {"b64"} and isinstance(value["b64"], str):
            try:
                value = base64.b64decode(value["b64"], validate=True)
            except binascii.Error:
                self.fail(self._expected(), value, where, "Encode the bytes in base64.")
        if not isinstance(value, bytes):
            value = self._packed(value, layout, where)
        if not decode_arrays([value], layout).fits[0]:
            self.fail(self._expected(), value, where, "Correct the row.")
        return value

    def _packed(self, value: Any, layout: ByteLayout, where: str) -> bytes:
        fix = f"Give bytes, or {layout.size} numbers that they can hold."
        try:
            numbers = np.asarray(value).reshape(-1)
        except ValueError:
            self.fail(self._expected(), value, where, fix)
        if numbers.dtype.kind not in "iuf" or len(numbers) != layout.size:
            self.fail(self._expected(), value, where, fix)
        with np.errstate(invalid="ignore"):
            packed = encode_array(numbers, layout)
        if "int" in layout.encoding and not np.array_equal(decode_arrays([packed], layout).numbers[0], numbers):
            self.fail(self._expected(), value, where, fix)
        return packed

    def _bytes(self, value: Any, where: str) -> bytes:
        if isinstance(value, bytes):
            return value
        if not isinstance(value, str):
            self.fail(self._expected(), value, where, "Write it as a string, as in the training records.")
        try:
            return value.encode()
        except UnicodeEncodeError:
            self.fail("text that UTF-8 can encode", value, where, "Correct the text, or pass bytes.")

    def _expected(self) -> str:
        feature = self._feature
        if feature.layout is not None:
            return str(feature.layout)
        word = _WORDS[feature.dtype]
        if feature.multi_valued:
            return f"a list of any number of values, each {word}"
        if feature.shape:
            return f"an array of shape {list(feature.shape)}, each value {word}"
        return word


def is_missing(value: Any) -> bool:
    """Whether a value is missing: None, or the NaN or NaT that pandas uses instead."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float) and math.isnan(value)


def as_texts(value: Any) -> Any:
    """Bytes as strings, or in base64 if they are not UTF-8."""
    if isinstance(value, list):
        return [as_texts(element) for element in value]
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return {"b64": base64.b64encode(value).decode()}
    return value


def _plain(value: Any) -> Any:
    """Lists instead of arrays and tuples, Python's own numbers instead of NumPy's."""
    if hasattr(value, "tolist") and not isinstance(value, str | bytes):
        value = value.tolist()
    if isinstance(value, tuple):
        value = list(value)
    return [_plain(element) for element in value] if isinstance(value, list) else value


def _shown(value: Any) -> str:
    text = repr(value)
    kind = f"a list of {len(value)}" if isinstance(value, list) else type(value).__name__
    return f"{text if len(text) <= 60 else text[:57] + '...'} ({kind})"
