"""The records that `input.py` reads: the same for the same seed, written once into a folder.

Lengths are log-normal (median 30, mean 41, 1 to 500 steps). Each step has a term of 50 000
(`item`), a term of 1 000 (`category`), a number (`price`) and four numbers (`vector`); the
record has a label.

    raw/          SequenceExample, terms as strings
    transformed/  Example as TFX's Transform writes it for the spec below, terms as ids

The protocol buffers are put together from bytes with numpy, for the message classes take minutes
where this takes seconds. Neither TensorFlow nor any peer is imported here.
"""

from __future__ import annotations

import dataclasses
import json
import os
import struct
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

SEED = 4
RECORDS_PER_FILE = 25_000
ITEMS, CATEGORIES, VECTOR = 50_000, 1_000, 4
LONGEST = 500

SPEC = {
    "name": "input_benchmark",
    "sequence": {
        "category": {"type": "categorical", "vocabulary": {}},
        "item": {"type": "categorical", "vocabulary": {}},
        "price": {"type": "numeric"},
        "vector": {"type": "numeric", "shape": [VECTOR]},
    },
    "label": {"key": "label", "classes": [0, 1]},
}


@dataclasses.dataclass(frozen=True)
class Columns:
    """The records of one file, column by column; `N` records of `S` steps in all."""

    lengths: np.ndarray  # [N] int64
    label: np.ndarray  # [N] int64
    item: np.ndarray  # [S] int64
    category: np.ndarray  # [S] int64
    price: np.ndarray  # [S] float32
    vector: np.ndarray  # [S, 4] float32


def columns(file_index: int, records: int = RECORDS_PER_FILE) -> Columns:
    """What file number `file_index` holds."""
    random = _random(file_index)
    lengths = _drawn_lengths(random, records)
    steps = int(lengths.sum())
    return Columns(
        lengths=lengths,
        label=random.integers(0, 2, records),
        # Few terms are frequent and many are rare, as in any vocabulary ordered by frequency.
        item=(ITEMS * random.random(steps) ** 3).astype(np.int64),
        category=(CATEGORIES * random.random(steps) ** 2).astype(np.int64),
        price=random.normal(size=steps).astype(np.float32),
        vector=random.normal(size=(steps, VECTOR)).astype(np.float32),
    )


def lengths_of_set(records: int) -> np.ndarray:
    """The lengths `[N]` of a set of so many records, in the files' order; its other columns are not made."""
    return np.concatenate([_drawn_lengths(_random(i), size) for i, size in enumerate(file_sizes(records))])


def _random(file_index: int) -> np.random.Generator:
    return np.random.default_rng([SEED, file_index])


def _drawn_lengths(random: np.random.Generator, records: int) -> np.ndarray:
    """What is drawn first of a file."""
    return np.clip(np.rint(random.lognormal(np.log(30), 0.79, records)), 1, LONGEST).astype(np.int64)


def file_sizes(records: int) -> list[int]:
    """Records of each file, for a set of so many."""
    full, rest = divmod(records, RECORDS_PER_FILE)
    # A small set still has two files, for nothing here is about a single one.
    return [RECORDS_PER_FILE] * full + [rest] * bool(rest) if full else [records - records // 2, records // 2]


def write(folder: Path, records: int, kind: str) -> list[Path]:
    """Writes the set of `kind` (`raw` or `transformed`) unless it is there; gives its files."""
    target = folder / kind
    sizes = file_sizes(records)
    files = [target / f"part-{i:05d}-of-{len(sizes):05d}.tfrecord" for i in range(len(sizes))]
    done = target / "done.json"
    if not done.is_file():
        target.mkdir(parents=True, exist_ok=True)
        with ProcessPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(_write_file, files, range(len(sizes)), sizes, [kind] * len(sizes)))
        done.write_text(json.dumps({"records": records, "seed": SEED}))
    return files


def _write_file(path: Path, file_index: int, records: int, kind: str) -> None:
    encode = {"raw": _sequence_examples, "transformed": _examples}[kind]
    with path.open("wb") as file:
        for record in encode(columns(file_index, records)):
            file.write(framed(record))


def framed(record: bytes) -> bytes:
    """A record as a TFRecord file has it."""
    header = struct.pack("<Q", len(record))
    return header + _masked_crc(header) + record + _masked_crc(record)


def _masked_crc(data: bytes) -> bytes:
    import google_crc32c  # what writes has it, peers that only read need not

    crc = google_crc32c.value(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17 & 0xFFFFFFFF) + 0xA282EAD8) & 0xFFFFFFFF)


def _examples(data: Columns) -> Iterator[bytes]:
    """`Example` in the layout that stock Transform gives the spec's output."""
    varints = [_varint(i) for i in range(max(ITEMS, LONGEST + 1))]
    ends = np.cumsum(data.lengths).tolist()
    items, categories = data.item.tolist(), data.category.tolist()
    price, vector = data.price.astype("<f4").tobytes(), data.vector.astype("<f4").tobytes()
    start = 0
    for label, end in zip(data.label.tolist(), ends, strict=True):
        ids = [b"".join([varints[i] for i in values[start:end]]) for values in (items, categories)]
        features = (
            _entry(b"label", _field(3, _field(1, varints[label]))),
            _entry(b"sequence.category$ragged_values", _field(3, _field(1, ids[1]))),
            _entry(b"sequence.item$ragged_values", _field(3, _field(1, ids[0]))),
            _entry(b"sequence.price$ragged_values", _field(2, _field(1, price[4 * start : 4 * end]))),
            _entry(
                b"sequence.vector$ragged_values",
                _field(2, _field(1, vector[4 * VECTOR * start : 4 * VECTOR * end])),
            ),
            _entry(b"sequence_length", _field(3, _field(1, varints[end - start]))),
        )
        yield _field(1, b"".join(features))
        start = end


def _sequence_examples(data: Columns) -> Iterator[bytes]:
    """`SequenceExample` with terms as strings, one `Feature` per step."""
    item_steps = [_field(1, _field(1, _field(1, b"item_%d" % i))) for i in range(ITEMS)]
    category_steps = [_field(1, _field(1, _field(1, b"c%d" % i))) for i in range(CATEGORIES)]
    ends = np.cumsum(data.lengths).tolist()
    items, categories = data.item.tolist(), data.category.tolist()
    price, price_size = _float_steps(data.price[:, None])
    vector, vector_size = _float_steps(data.vector)
    start = 0
    for label, end in zip(data.label.tolist(), ends, strict=True):
        lists = (
            _entry(b"category", b"".join([category_steps[i] for i in categories[start:end]])),
            _entry(b"item", b"".join([item_steps[i] for i in items[start:end]])),
            _entry(b"price", price[price_size * start : price_size * end]),
            _entry(b"vector", vector[vector_size * start : vector_size * end]),
        )
        context = _entry(b"label", _field(3, _field(1, _varint(label))))
        yield _field(1, context) + _field(2, b"".join(lists))
        start = end


def _float_steps(values: np.ndarray) -> tuple[bytes, int]:
    """One `FeatureList.feature` per row of `[S, D]` float32, and the bytes that each takes."""
    empty = _field(1, _field(2, _field(1, b"\0" * 4 * values.shape[1])))
    steps = np.tile(np.frombuffer(empty, np.uint8), (len(values), 1))
    packed = np.ascontiguousarray(values, "<f4").view(np.uint8)
    steps[:, -packed.shape[1] :] = packed
    return steps.tobytes(), len(empty)


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def _field(number: int, content: bytes) -> bytes:
    """A length-delimited field of a protocol buffer."""
    return bytes([number << 3 | 2]) + _varint(len(content)) + content


def _entry(key: bytes, value: bytes) -> bytes:
    """An entry of a map from names to messages, as field 1 of what holds the map."""
    return _field(1, _field(1, key) + _field(2, value))
