"""The order of trainings: a validated one, those with other records held back, and the final one on all records."""

import types

import pytest
import tensorflow as tf

from tests.records import example, write_records
from tfx_sequences.components.records.opening import record_dataset
from tfx_sequences.components.training.fitting import Fitted
from tfx_sequences.components.training.trained_network import Refit, train_network
from tfx_sequences.components.transform.length_histogram import LengthHistogram
from tfx_sequences.schemas.spec.training_options import Training

BEST = [9, 2, 5]
RATES = [0.5, 0.25]


def labels(files):
    records = (r.numpy() for file in files for r in record_dataset(file))
    return sorted(_label(record) for record in records)


def _label(record):
    return tf.train.Example.FromString(record).features.feature["y"].int64_list.value[0]


class Fitting:
    """Notes which records each network is fitted to; the real one takes minutes."""

    def __init__(self):
        self.seen = []

    def validated(self, train, valid, *, lengths=None, backup=None, log_dir=None):
        self.seen.append((labels(train), labels(valid), lengths, log_dir))
        fitted = Fitted({"loss": [1.0], "learning_rate": RATES}, BEST[len(self.seen) - 1])
        return types.SimpleNamespace(fitted=fitted)

    def refitted(self, files, epochs, *, lengths, rates, backup=None):
        self.last = (labels(files), epochs, lengths, rates)
        return types.SimpleNamespace(fitted=Fitted({"loss": [3.0, 2.0]}, 2))

    def lengths_of(self, files):
        return LengthHistogram.of([1] * len(labels(files)))


@pytest.fixture
def files(tmp_path):
    """Training records 0 to 5, and the records 6 and 7, which are held back."""
    parts = {"train": range(6), "valid": range(6, 8)}
    return [[str(write_records(tmp_path / name, [example({"y": i}) for i in its]))] for name, its in parts.items()]


def test_without_a_final_training_the_validated_network_is_kept(files):
    fitting = Fitting()
    trained = train_network(fitting, Training(refit=False), *files, log_dir="logs")
    assert fitting.seen == [([*range(6)], [6, 7], None, "logs")]
    assert trained.refit is None and trained.validated.best_epoch == 9
    assert trained.network.fitted is trained.validated


def test_each_record_is_held_back_once_and_the_median_of_the_best_epochs_is_trained(files):
    fitting = Fitting()
    trained = train_network(fitting, Training(refit=True, folds=3), *files, log_dir="logs")
    assert [seen[1] for seen in fitting.seen] == [[6, 7], [0, 2, 4], [1, 3, 5]]
    for train, valid, _, _ in fitting.seen:
        assert sorted(train + valid) == [*range(8)]
    # Transform analyzed the records of the first one; lengths of the others are counted again.
    assert [lengths and int(lengths.counts.sum()) for _, _, lengths, _ in fitting.seen] == [None, 5, 5]
    assert [log_dir for *_, log_dir in fitting.seen] == ["logs", None, None]
    everything, epochs, lengths, rates = fitting.last
    assert (everything, epochs, int(lengths.counts.sum()), rates) == ([*range(8)], 5, 8, RATES)
    assert trained.refit == Refit(5, (9, 2, 5), 8, 2.0)
    assert trained.refit.report() == {"epochs": 5, "best_epochs": (9, 2, 5), "records": 8, "loss": 2.0}
    assert trained.validated.best_epoch == 9
