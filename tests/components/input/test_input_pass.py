from pathlib import Path

import pytest
import tensorflow as tf

from tests.components.input.small_inputs import FEATURES, flat, labels, make_input, make_spec, write
from tfx_sequences.components.input.bucket_planning import make_plan
from tfx_sequences.components.input.epoch_reader import EpochReader, Source
from tfx_sequences.components.input.input_pass import InputPass, batches_of_pass
from tfx_sequences.components.input.record_formats import transformed_records
from tfx_sequences.components.input.row_store import parser_of
from tfx_sequences.components.transform.length_histogram import LengthHistogram
from tfx_sequences.errors import DataError

LENGTHS = list(range(1, 60))


def begin(files, finished, epoch=0):
    spec = make_spec(batching={"batch_size": 4, "shuffle_buffer": 10})
    plan = make_plan(LengthHistogram.of(LENGTHS), spec.batching)
    form = transformed_records(spec, FEATURES)
    reader = EpochReader(Source(tuple(files), spec, form, plan, True), parser_of(form), epoch)
    return InputPass(reader, spec.training.seed, finished), plan


def test_batches_follow_the_micro_batches_that_make_them(tmp_path):
    finished = {}
    a_pass, _ = begin(write(tmp_path, LENGTHS, 3), finished)
    micro, seen = [], []
    while True:
        lengths, seeds = a_pass.micro_batches()
        if not len(lengths):
            break
        micro += seeds.tolist()
    assert finished[0].records == len(LENGTHS)
    for _ in range(finished[0].batches):
        try:
            starts, sizes, seeds, records = a_pass.batches()
        except IndexError:
            break
        assert set(map(tuple, seeds.tolist())) <= set(map(tuple, micro))
        seen += [records[a : a + n].numpy().tolist() for a, n in zip(starts, sizes, strict=True)]
    assert len(seen) == finished[0].batches
    names = [tf.train.Example.FromString(r).features.feature["label"].int64_list.value[0] for r in flat(seen)]
    assert sorted(names) == list(range(len(LENGTHS)))


def test_what_the_reader_finds_is_kept(tmp_path):
    [file] = write(tmp_path, LENGTHS, 1, suffix="")
    Path(file).write_bytes(Path(file).read_bytes()[: Path(file).stat().st_size // 2])
    a_pass, _ = begin([file], {})
    with pytest.raises(DataError, match="cannot be read past record") as raised:
        while len(a_pass.micro_batches()[0]):
            pass
    assert a_pass.error is raised.value


@pytest.mark.parametrize("workers", [2, 5])
def test_workers_get_equally_many(tmp_path, workers):
    a_pass, plan = begin(write(tmp_path, LENGTHS, 3), {})
    given = list(batches_of_pass(lambda _: a_pass, tf.constant(0, tf.int64), plan, workers))
    real = [bool(counts) for *_, counts in given]
    assert len(given) % workers == 0 and len(given) - sum(real) == -sum(real) % workers
    assert real == sorted(real, reverse=True)
    for (_, _), ((start, size, _), records), counts in given:
        assert int(size) >= 1 if counts else int(size) == 1
        assert int(start + size) <= len(records)


def test_two_passes_over_one_epoch_do_not_take_each_others_batches(tmp_path):
    lengths = list(range(1, 60))
    spec = make_spec(batching={"batch_size": 4, "shuffle_buffer": 10})
    made = make_input(write(tmp_path, lengths, 3), spec, lengths)
    passes = []
    for _ in range(2):
        made.begin(0)
        passes.append(iter(made.dataset))
        next(passes[-1])
    first, second = (labels(rest) for rest in zip(*zip(*passes, strict=True), strict=True))
    assert first == second
    assert len(flat(first)) == len(lengths) - 4
