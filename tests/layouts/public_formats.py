"""Records in the layouts of public formats. The values are made up so that the right answer is known.

Each function returns the serialized records of `train` and of `test`. Sources of the layouts are named in the pages of
`examples/formats`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf

from tests.records import example, sequence_example

Records = dict[str, list[bytes]]
Message = tf.train.SequenceExample | tf.train.Example


def _divided(messages: Iterator[Message], train: int, test: int) -> Records:
    serialized = [message.SerializeToString() for _, message in zip(range(train + test), messages, strict=False)]
    return {"train": serialized[:train], "test": serialized[train:]}


def _of(one: Callable[[np.random.Generator, int], Message], train: int, test: int, seed: int = 5) -> Records:
    random = np.random.default_rng(seed)
    return _divided((one(random, index) for index in range(train + test)), train, test)


def _quantized(random: np.random.Generator, mean: float, size: int) -> bytes:
    return np.clip(random.normal(mean, 30, size), 0, 255).astype(np.uint8).tobytes()


def youtube8m_frames() -> Records:
    """`rgb` and `audio` of each second as bytes; the mean of `rgb` determines the label."""

    def one(random: np.random.Generator, index: int) -> Message:
        label, frames = index % 3, int(random.integers(4, 12))
        return sequence_example(
            {"id": f"v{index:03d}", "labels": [label]},
            {
                "rgb": [_quantized(random, 80 + 45 * label, 1024) for _ in range(frames)],
                "audio": [_quantized(random, 128, 128) for _ in range(frames)],
            },
        )

    return _of(one, 90, 30)


def audioset() -> Records:
    """An embedding of 128 bytes for each of ten seconds; its mean determines the label."""

    def one(random: np.random.Generator, index: int) -> Message:
        label, start = index % 2, float(random.integers(0, 100))
        return sequence_example(
            {
                "video_id": f"clip{index}",
                "start_time_seconds": start,
                "end_time_seconds": start + 10,
                "labels": [label] if index % 4 else [label, 2],
            },
            {"audio_embedding": [_quantized(random, 90 + 70 * label, 128) for _ in range(10)]},
        )

    return _of(one, 80, 40)


def mediasequence() -> Records:
    """Keys with slashes; each step has a time in microseconds and a box, whose speed determines the label."""

    def one(random: np.random.Generator, index: int) -> Message:
        fast, frames = index % 2, int(random.integers(5, 10))
        places = np.cumsum(random.normal(0.01 + 0.05 * fast, 0.005, frames))
        return sequence_example(
            {
                "example/id": f"clip{index}",
                "clip/label/string": ["walk", "run"][fast],
                "clip/label/index": fast,
                "clip/start/timestamp": 1_000_000 * index,
            },
            {
                "image/timestamp": [40_000 * step for step in range(frames)],
                "region/bbox/xmin": places.tolist(),
                "region/bbox/xmax": (places + 0.1).tolist(),
                "region/label/string": ["person"] * frames,
            },
        )

    return _of(one, 120, 60)


def magenta_melodies() -> Records:
    """`inputs` is a one-hot event per step, `labels` the next event: a scale that goes up, or down."""
    events = 6

    def one(random: np.random.Generator, index: int) -> Message:
        first, steps, way = int(random.integers(events)), int(random.integers(6, 14)), 1 - 2 * (index % 2)
        melody = [(first + way * step) % events for step in range(steps + 1)]
        inputs = [np.eye(events, dtype=np.float32)[event].tolist() for event in melody[:-1]]
        return sequence_example({}, {"inputs": inputs, "labels": melody[1:]})

    return _of(one, 80, 40)


def im2txt_captions() -> Records:
    """A caption's words, and the vector of its image, which determines the third word."""
    words = (("a", "man", "walks", "home"), ("a", "man", "rides", "home"))

    def one(random: np.random.Generator, index: int) -> Message:
        caption = words[index % 2]
        image = random.normal(2 * (index % 2) - 1, 0.2, 4).tolist()
        return sequence_example({"image/image_id": index, "image/vector": image}, {"image/caption": list(caption)})

    return _of(one, 100, 40)


def quick_draw() -> Records:
    """A `tf.Example`: `ink` is a flat list of (dx, dy, end of stroke), `shape` says how many; circles and zigzags."""

    def one(random: np.random.Generator, index: int) -> Message:
        kind, steps = index % 2, int(random.integers(12, 24))
        angle = 2 * np.pi * np.arange(steps) / steps
        moves = (
            [np.cos(angle), np.sin(angle)] if kind else [np.full(steps, 0.3), np.where(np.arange(steps) % 2, 1.0, -1.0)]
        )
        pen = np.zeros(steps)
        pen[-1] = 1
        ink = np.stack([*moves, pen], axis=1) + random.normal(0, 0.05, (steps, 3)) * [1, 1, 0]
        return example({"class_index": kind, "ink": ink.ravel().tolist(), "shape": [steps, 3]})

    return _of(one, 80, 40)


def _ranked(random: np.random.Generator) -> list[tuple[float, str, int]]:
    found = []
    for _ in range(int(random.integers(3, 7))):
        relevance = int(random.integers(3))
        price = float(random.normal(2 * relevance, 0.3))
        found.append((price, str(random.choice(["Pizzeria", "Taqueria"])), relevance))
    return found


def tf_ranking_seq() -> Records:
    """A query in the context, and an item per step with its relevance, which follows from `price`."""

    def one(random: np.random.Generator, index: int) -> Message:
        items = _ranked(random)
        return sequence_example(
            {"query_length": int(random.integers(1, 5))},
            {
                "price": [price for price, _, _ in items],
                "cuisine": [cuisine for _, cuisine, _ in items],
                "relevance": [relevance for _, _, relevance in items],
            },
        )

    return _of(one, 80, 40)


def tf_ranking_elwc() -> Records:
    """The same as `ExampleListWithContext`: field 1 holds the items, field 2 the context, each a `tf.Example`."""
    random = np.random.default_rng(5)

    def field(number: int, message: bytes) -> bytes:
        length, data = len(message), b""
        while length > 127:
            data += bytes([length & 127 | 128])
            length >>= 7
        return bytes([number << 3 | 2]) + data + bytes([length]) + message

    records = []
    for _ in range(120):
        items = [
            example({"price": price, "cuisine": cuisine, "relevance": relevance}).SerializeToString()
            for price, cuisine, relevance in _ranked(random)
        ]
        context = example({"query_length": int(random.integers(1, 5))}).SerializeToString()
        records.append(b"".join([*(field(1, item) for item in items), field(2, context)]))
    return {"train": records[:80], "test": records[80:]}


def fhir_events() -> Records:
    """Events of a stay: codes, values with units where there are any, and times in seconds; a code decides."""
    codes = ["loinc:2823-3", "loinc:2160-0", "icd9:428.0", "icd9:401.9"]

    def one(random: np.random.Generator, index: int) -> Message:
        ill, events = index % 2, int(random.integers(4, 10))
        seen = random.choice(codes[:2] + codes[3:], events).tolist()
        if ill:
            seen[int(random.integers(events))] = codes[2]
        values = [[float(random.normal(4, 1))] if code.startswith("loinc") else [] for code in seen]
        times = np.cumsum(random.integers(60, 86_400, events))
        return sequence_example(
            {
                "patientId": f"Patient/{index}",
                "label.in_hospital_death.class": ["no", "yes"][ill],
                "sequenceLength": events,
            },
            {
                "Observation.code": seen,
                "Observation.value.quantity.value": values,
                "eventId": (1_500_000_000 + times).tolist(),
            },
        )

    return _of(one, 160, 60)


def physionet_vitals() -> Records:
    """Vitals per hour with NaN where a channel was not measured; the heart rate determines the outcome."""

    def one(random: np.random.Generator, index: int) -> Message:
        died, hours = index % 2, int(random.integers(6, 14))
        vitals = np.stack([random.normal(m, d, hours) for m, d in ((80 + 30 * died, 5), (120, 9), (37, 0.3))], axis=1)
        vitals[random.random((hours, 3)) < 0.4] = np.nan
        return sequence_example({"RecordID": 100_000 + index, "In-hospital_death": died}, {"vitals": vitals.tolist()})

    return _of(one, 120, 60)


def spark_nested_arrays() -> Records:
    """What the Spark connector writes for rows of scalars (context) and of nested arrays (lists of steps)."""

    def one(random: np.random.Generator, index: int) -> Message:
        kind, steps = index % 2, int(random.integers(3, 8))
        point = random.normal(4 * kind, 1, (steps, 2))
        tags = [[*random.choice(["x", "y", "z"], int(random.integers(0, 3))).tolist()] for _ in range(steps)]
        return sequence_example({"row_id": index, "label": float(kind)}, {"points": point.tolist(), "tags": tags})

    return _of(one, 100, 50)


def ddsp_rates() -> Records:
    """Lists at two rates: a pitch per 40 ms, and a loudness per 10 ms, which determines the label."""

    def one(random: np.random.Generator, index: int) -> Message:
        loud, frames = index % 2, int(random.integers(5, 10))
        return sequence_example(
            {"instrument": ["flute", "trumpet"][loud]},
            {
                "f0_hz": random.normal(440, 30, frames).tolist(),
                "f0_time": [0.04 * frame for frame in range(frames)],
                "loudness_db": random.normal(-40 + 20 * loud, 3, 4 * frames).tolist(),
                "loudness_time": [0.01 * sample for sample in range(4 * frames)],
            },
        )

    return _of(one, 100, 50)


def opennmt_vectors() -> Records:
    """A `tf.Example` of OpenNMT-tf: `values` is a flat list of vectors, `shape` their number and depth."""

    def one(random: np.random.Generator, index: int) -> Message:
        kind, steps = index % 2, int(random.integers(4, 12))
        values = random.normal(2 * kind, 1, (steps, 5))
        return example({"values": values.ravel().tolist(), "shape": [steps, 5], "language": ["de", "en"][kind]})

    return _of(one, 80, 40)


def encoded_images() -> Records:
    """A PNG image per step, whose brightness determines the label."""

    def one(random: np.random.Generator, index: int) -> Message:
        bright, frames = index % 2, int(random.integers(2, 5))
        images = [
            tf.io.encode_png(random.integers(100 * bright, 100 * bright + 80, (12, 10, 3)).astype(np.uint8)).numpy()
            for _ in range(frames)
        ]
        return sequence_example({"clip/label/string": ["dark", "bright"][bright]}, {"image/encoded": images})

    return _of(one, 60, 30)
