"""The routes of `input.py` through PyTorch, Hugging Face Datasets, grain and pyarrow.

Each as its documentation has it for speed on two cores: two worker processes where it has any, lengths
known before, and per batch the same as ours gives: padded arrays of every feature, and the lengths. What
a peer has to write once (an index, Arrow or Parquet files) is written before the clock runs.
"""

from __future__ import annotations

import concurrent.futures
import functools
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import input_data
import numpy as np

BATCH_SIZE = 256
WORKERS = 2
# Batches that are sorted by length together, as transformers' LengthGroupedSampler has it.
MEGABATCH = 50

Record = dict[str, Any]


def torch_tfrecord(folder: Path, records: int) -> Any:
    """DataLoader with workers over TFRecords, parsed by the package `tfrecord`; batches of neighbours in length."""
    import torch.utils.data

    files = input_data.write(folder, records, "transformed")
    source = _TFRecordSource(files)
    batches = _length_grouped(_lengths(records))

    class Dataset(torch.utils.data.Dataset):
        def __len__(self) -> int:
            return len(source)

        def __getitem__(self, index: int) -> Record:
            return source[index]

    def epoch() -> Iterator[np.ndarray]:
        loader = torch.utils.data.DataLoader(
            Dataset(), batch_sampler=batches(), collate_fn=_torch_collate, num_workers=WORKERS, prefetch_factor=4
        )
        for batch in loader:
            yield _counted(batch["length"].numpy(), batch["item"].shape[1])

    return epoch


def torch_huggingface(folder: Path, records: int) -> Any:
    """Arrow files by `datasets`, transformers' LengthGroupedSampler (`group_by_length`), DataLoader with workers."""
    import datasets
    import torch.utils.data
    import transformers

    datasets.disable_progress_bars()
    target = folder / "huggingface"
    if not target.is_dir():
        from_parquet = datasets.Dataset.from_parquet([str(f) for f in _parquet(folder, records)])
        from_parquet.save_to_disk(str(target))
    dataset = datasets.load_from_disk(str(target)).with_format("numpy")
    sampler_class = transformers.trainer_pt_utils.LengthGroupedSampler
    lengths = _lengths(records).tolist()

    def epoch() -> Iterator[np.ndarray]:
        loader = torch.utils.data.DataLoader(
            dataset,
            batch_size=BATCH_SIZE,
            sampler=sampler_class(BATCH_SIZE, lengths=lengths),
            collate_fn=_torch_collate,
            num_workers=WORKERS,
            prefetch_factor=4,
        )
        for batch in loader:
            yield _counted(batch["length"].numpy(), batch["item"].shape[1])

    return epoch


def grain_tfrecord(folder: Path, records: int) -> Any:
    """grain's MapDataset of length-grouped batches, with worker processes; parsed by the package `tfrecord`."""
    import grain

    source = _TFRecordSource(input_data.write(folder, records, "transformed"))
    batches = _length_grouped(_lengths(records))

    def load(rows: np.ndarray) -> Record:
        return _collate([source[row] for row in rows.tolist()])

    def epoch() -> Iterator[np.ndarray]:
        dataset = grain.MapDataset.source(batches()).map(load)
        read = grain.ReadOptions(num_threads=1, prefetch_buffer_size=4)
        iterable = dataset.to_iter_dataset(read).mp_prefetch(grain.MultiprocessingOptions(num_workers=WORKERS))
        for batch in iterable:
            yield _counted(batch["length"], batch["item"].shape[1])

    return epoch


def pyarrow_vectorised(folder: Path, records: int) -> Any:
    """Parquet by pyarrow, a file at a time, sorted and padded by numpy without a loop over records."""
    import pyarrow.parquet as parquet

    def load(path: Path) -> list[Record]:
        table = parquet.read_table(path).combine_chunks()
        return _sorted_and_padded({name: table[name].chunk(0) for name in ("label", "length", *_SEQUENCES)})

    return _files_ahead(_parquet(folder, records), load)


def pyarrow_records(folder: Path, records: int) -> Any:
    """The same from the TFRecords: read by tf.data, decoded to Arrow by TFX's C++ decoder."""
    import tensorflow as tf
    from google.protobuf import text_format
    from tensorflow_metadata.proto.v0 import schema_pb2
    from tfx_bsl.coders import example_coder

    types = {"int": "INT", "float": "FLOAT"}
    schema = text_format.Parse(
        "".join(f"feature {{ name: '{name}' type: {types[kind]} }}\n" for name, kind in _DESCRIPTION.items()),
        schema_pb2.Schema(),
    )
    described = schema.SerializeToString()

    def load(path: Path) -> list[Record]:
        serialized = next(tf.data.TFRecordDataset(str(path)).batch(records).as_numpy_iterator())
        # A decoder of its own, for one is not for several threads.
        decoded = example_coder.ExamplesToRecordBatchDecoder(described).DecodeBatch(serialized.tolist())
        columns = {_short(name): decoded.column(i) for i, name in enumerate(decoded.schema.names)}
        return _sorted_and_padded(columns | {name: columns[name].flatten() for name in ("label", "length")})

    return _files_ahead(input_data.write(folder, records, "transformed"), load)


_SEQUENCES = ("item", "category", "price", "vector")


def _sorted_and_padded(columns: dict[str, Any]) -> list[Record]:
    """All batches of one file's Arrow columns."""
    label, lengths = (columns[name].to_numpy(zero_copy_only=False) for name in ("label", "length"))
    starts = np.cumsum(lengths) - lengths
    values = {name: columns[name].flatten().to_numpy() for name in _SEQUENCES}
    values["vector"] = values["vector"].reshape(-1, input_data.VECTOR)
    order = np.lexsort((np.random.random(len(lengths)), lengths))
    loaded = []
    for rows in np.array_split(order, max(1, len(order) // BATCH_SIZE)):
        steps = np.arange(lengths[rows].max())
        mask = steps < lengths[rows, None]
        index = np.where(mask, starts[rows, None] + steps, 0)
        batch = {name: value[index] for name, value in values.items()}
        for value in batch.values():
            value[~mask] = 0
        loaded.append({**batch, "label": label[rows], "length": lengths[rows]})
    return [loaded[i] for i in np.random.permutation(len(loaded))]


def _files_ahead(files: list[Path], load: Callable[[Path], list[Record]]) -> Any:
    def epoch() -> Iterator[np.ndarray]:
        order = [files[i] for i in np.random.permutation(len(files))]
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            ahead = [pool.submit(load, path) for path in order[:2]]
            for path in [*order[2:], None, None]:
                if not ahead:
                    break
                loaded = ahead.pop(0).result()
                if path is not None:
                    ahead.append(pool.submit(load, path))
                for batch in loaded:
                    yield _counted(batch["length"], batch["item"].shape[1])

    return epoch


class _TFRecordSource:
    """Records of TFRecord files by number: an index of offsets, and the `tfrecord` package's parser."""

    def __init__(self, files: list[Path]) -> None:
        self._files = files
        self._open: dict[int, Any] = {}
        self._places = [(i, offset, size) for i, file in enumerate(files) for offset, size in _index(file)]

    def __len__(self) -> int:
        return len(self._places)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_open": {}}

    def __getitem__(self, number: int) -> Record:
        from tfrecord import example_pb2, reader

        index, offset, size = self._places[number]
        if index not in self._open:
            self._open[index] = np.memmap(self._files[index], np.uint8, "r")
        example = example_pb2.Example.FromString(self._open[index][offset : offset + size].tobytes())
        parsed = reader.extract_feature_dict(example.features, _DESCRIPTION, _TYPES)
        record = {_short(name): value for name, value in parsed.items()}
        return {**record, "length": int(record["length"][0]), "label": int(record["label"][0])}


_DESCRIPTION = {
    "label": "int",
    "sequence_length": "int",
    "sequence.category$ragged_values": "int",
    "sequence.item$ragged_values": "int",
    "sequence.price$ragged_values": "float",
    "sequence.vector$ragged_values": "float",
}
_TYPES = {"byte": "bytes_list", "float": "float_list", "int": "int64_list"}


def _short(name: str) -> str:
    return name.removeprefix("sequence.").removeprefix("sequence_").removesuffix("$ragged_values")


def _index(file: Path) -> list[tuple[int, int]]:
    places, offset = [], 0
    content = np.memmap(file, np.uint8, "r")
    while offset < len(content):
        (size,) = struct.unpack("<Q", content[offset : offset + 8].tobytes())
        places.append((offset + 12, size))
        offset += size + 16
    return places


def _length_grouped(lengths: np.ndarray) -> Any:
    """A function that draws an epoch's batches of row numbers, as `group_by_length` does."""

    def draw() -> list[np.ndarray]:
        shuffled = np.random.permutation(len(lengths))
        batches: list[np.ndarray] = []
        for start in range(0, len(shuffled), MEGABATCH * BATCH_SIZE):
            rows = shuffled[start : start + MEGABATCH * BATCH_SIZE]
            rows = rows[np.argsort(lengths[rows])]
            batches += [rows[i : i + BATCH_SIZE] for i in range(0, len(rows), BATCH_SIZE)]
        return [batches[i] for i in np.random.permutation(len(batches))]

    return draw


def _counted(lengths: np.ndarray, steps: int) -> np.ndarray:
    """What a route tells of one batch."""
    return np.array([1, len(lengths), lengths.sum(), len(lengths) * steps])


def _collate(records: list[Record]) -> Record:
    lengths = np.array([r["length"] for r in records])
    longest = int(lengths.max())
    batch: Record = {"length": lengths, "label": np.array([r["label"] for r in records])}
    for name, width in (("item", 1), ("category", 1), ("price", 1), ("vector", input_data.VECTOR)):
        padded = np.zeros((len(records), longest * width), np.asarray(records[0][name]).dtype)
        for row, record in enumerate(records):
            padded[row, : lengths[row] * width] = np.asarray(record[name]).reshape(-1)
        batch[name] = padded.reshape(len(records), longest, width) if width > 1 else padded
    return batch


def _torch_collate(records: list[Record]) -> Record:
    import torch

    return {name: torch.from_numpy(value) for name, value in _collate(records).items()}


def _parquet(folder: Path, records: int) -> list[Path]:
    """The set as Parquet, lists of values; a vector feature as one flat list, which pyarrow reads fastest."""
    import pyarrow as pa
    import pyarrow.parquet as parquet

    target = folder / "parquet"
    sizes = input_data.file_sizes(records)
    files = [target / f"part-{i:05d}.parquet" for i in range(len(sizes))]
    target.mkdir(exist_ok=True)
    for index, (file, size) in enumerate(zip(files, sizes, strict=True)):
        if file.is_file():
            continue
        data = input_data.columns(index, size)
        offsets = np.append(0, np.cumsum(data.lengths)).astype(np.int32)
        lists = {name: pa.ListArray.from_arrays(offsets, getattr(data, name)) for name in ("item", "category", "price")}
        vectors = pa.ListArray.from_arrays(offsets * input_data.VECTOR, data.vector.reshape(-1))
        table = pa.table({"label": data.label, "length": data.lengths, **lists, "vector": vectors})
        unfinished = file.with_suffix(".unfinished")
        parquet.write_table(table, unfinished, compression="none", use_dictionary=False)
        unfinished.rename(file)
    return files


_lengths = functools.cache(input_data.lengths_of_set)


ROUTES = {
    "torch-tfrecord": (torch_tfrecord, {}),
    "huggingface": (torch_huggingface, {}),
    "grain": (grain_tfrecord, {}),
    "pyarrow": (pyarrow_vectorised, {}),
    "pyarrow-records": (pyarrow_records, {}),
}
