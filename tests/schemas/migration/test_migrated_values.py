"""Defaults and initializers of `tf.feature_column`, as they are written in specs."""

import logging
import math

import numpy as np
import pytest
import tensorflow as tf

from tfx_sequences.errors import SpecError
from tfx_sequences.schemas.columns.column import Scaling
from tfx_sequences.schemas.migration.migrated_values import default_before, initializer_name, single_default


@pytest.mark.parametrize(
    ("default", "expected"),
    [(None, None), (3, 3.0), ((2.0, 2.0), 2.0), ([[1], [1]], 1.0), (np.full((2, 2), 5.0), 5.0)],
)
def test_a_default_of_all_elements_is_one_number(default, expected):
    assert single_default(default, "x") == expected


def test_different_defaults_of_elements_are_an_error():
    with pytest.raises(SpecError, match=r"'x' has a default_value per element[\s\S]*received: \(1.0, 2.0\)"):
        single_default((1.0, 2.0), "x")


@pytest.mark.parametrize(
    ("normalizer", "normalize"),
    [
        (None, lambda x: x),
        ("log1p", lambda x: math.copysign(math.log1p(abs(x)), x)),
        (Scaling(offset=3.0, scale=0.5), lambda x: (x - 3.0) * 0.5),
        (Scaling(scale=-4.0), lambda x: x * -4.0),
    ],
)
@pytest.mark.parametrize("default", [-2.0, 0.25, 7.0])
def test_the_default_before_normalization_becomes_the_one_after_it(normalizer, normalize, default):
    assert normalize(default_before(normalizer, default, "x")) == pytest.approx(default, rel=1e-12)


def test_zero_after_normalization_needs_no_default():
    assert default_before("z_score", 0.0, "x") is None
    assert default_before("z_score", None, "x") is None


@pytest.mark.parametrize(
    "normalizer", ["z_score", Scaling(offset=(1.0, 2.0)), Scaling(offset="first"), Scaling(scale=0)]
)
def test_a_normalizer_that_cannot_be_inverted_is_an_error(normalizer):
    with pytest.raises(SpecError, match=r"cannot be inverted[\s\S]*Use default_value=0"):
        default_before(normalizer, 1.0, "x")


@pytest.mark.parametrize(
    ("initializer", "name"),
    [
        (tf.zeros_initializer(), "zeros"),
        (tf.ones_initializer(), "ones"),
        (tf.keras.initializers.LecunNormal(), "lecun_normal"),
        (tf.keras.initializers.TruncatedNormal(stddev=0.5), "feature_column"),
    ],
)
def test_initializers_have_names(initializer, name, caplog):
    with caplog.at_level(logging.WARNING, logger="absl"):
        assert initializer_name(initializer, 4, "x_embedding") == name
    assert not caplog.text


@pytest.mark.parametrize(
    "initializer",
    [tf.keras.initializers.TruncatedNormal(mean=1.0, stddev=0.5), tf.keras.initializers.TruncatedNormal(stddev=0.4)],
)
def test_an_initializer_without_a_name_gives_a_warning(initializer, caplog):
    with caplog.at_level(logging.WARNING, logger="absl"):
        assert initializer_name(initializer, 4, "x_embedding") == "feature_column"
    assert "of 'x_embedding' does not have a name in specs" in caplog.text
