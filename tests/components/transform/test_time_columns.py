"""Columns of times in the transform graph, against `datetime`."""

import datetime
import math

import numpy as np
import pytest
import tensorflow as tf

from tfx_sequences.components.transform.time_columns import read_times
from tfx_sequences.schemas.columns.time_columns import TimeColumn

START = 1_528_917_632  # 13 June 2018, 19:20:32 UTC, a Wednesday


def circle(place, period):
    return [math.sin(2 * math.pi * place / period), math.cos(2 * math.pi * place / period)]


def test_durations_of_steps_skip_missing_times():
    column = TimeColumn(key="t", is_sequence=True, missing_value=-1)
    raw = tf.ragged.constant([[[START], [-1], [START + 7]], [], [[START]], [[]]], dtype=tf.int64, ragged_rank=2)
    found = read_times(raw, column)
    np.testing.assert_array_equal(found.there[:, 0], [True, False, True, True, False])
    known = found.there.numpy()[:, 0]
    np.testing.assert_array_equal(found.spans.numpy()[known], [[0, 0], [7, 7], [0, 0]])
    assert found.spans.dtype == tf.float64 and found.dates.shape == (5, 0)


@pytest.mark.parametrize("missing", [-1, 2**62])
def test_dates_of_records_are_zero_where_the_time_is_missing(missing):
    column = TimeColumn(key="t", features=("hour", "weekday"), missing_value=missing)
    found = read_times(tf.constant([START, missing], tf.int64), column)
    date = datetime.datetime.fromtimestamp(START, datetime.timezone.utc)
    np.testing.assert_allclose(found.dates[0], [*circle(date.hour, 24), *circle(date.weekday(), 7)], atol=1e-6)
    assert not found.dates[1].numpy().any()
    assert found.spans.shape == (2, 0)
    np.testing.assert_array_equal(found.there, [[True], [False]])
