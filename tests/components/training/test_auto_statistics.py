import tensorflow_transform as tft

from tests.records import write_records
from tfx_sequences.components.training.auto_statistics import split_statistics


def test_statistics_are_those_of_the_records(everything, tmp_path):
    held_back = [str(write_records(tmp_path / f"v{n}.gz", [b"x"] * n)) for n in (2, 3)]
    train = [str(write_records(tmp_path / "t.gz", everything.serialized))]
    output = tft.TFTransformOutput(everything.transform_dir)
    known = split_statistics(everything.spec, output, train, held_back)
    lengths = [len(sequence["lpc"]) for _, sequence in everything.records]
    assert (known.records, known.steps) == (len(lengths), sum(lengths))
    assert known.held_back == 5
    assert known.outputs == 2
    # The nine buckets of a hash are more than the terms of any vocabulary.
    assert known.terms == 9
    assert known.later_features == ()
    assert split_statistics(everything.spec, output, train).held_back == 0
