import numpy as np
import tensorflow as tf

from tfx_sequences.components.kinds.forecast_errors import forecast_loss
from tfx_sequences.components.kinds.registry import kind_of
from tfx_sequences.schemas.spec.label import Label

TARGETS = tf.constant([[1.0, 2.0, 0.5], [4.0, 4.0, 0.0]])
FORECASTS = tf.constant([[1.0, 4.0], [4.0, 5.0]])


def label(**options):
    return Label(key="future", type="forecast", horizon=2, target="x", forecast=options)


def test_the_loss_is_the_one_that_the_spec_names():
    for loss in ("mase", "smape", "mean_absolute_error"):
        named = label(loss=loss)
        received = kind_of(named).loss(named)(TARGETS, FORECASTS)
        np.testing.assert_array_equal(received, forecast_loss(TARGETS, FORECASTS, named))


def test_only_a_decoder_that_goes_step_by_step_has_a_loss_of_its_own_in_training():
    class Decoder:
        def taught(self, targets, handed):
            return handed + 1

    direct, by_steps = label(), label(decoder="autoregressive", loss="mean_absolute_error")
    kind = kind_of(direct)
    assert kind.training_loss(direct, lambda name: None, kind.loss(direct)) is None
    found = kind.training_loss(by_steps, {"decoder": Decoder()}.__getitem__, kind.loss(by_steps))
    np.testing.assert_allclose(found(TARGETS, FORECASTS), [2.0, 1.5])


def test_the_evaluator_compares_the_values_alone():
    assert kind_of(label()).evaluated_target(label(), TARGETS, ()).numpy().tolist() == [[1, 2], [4, 4]]


def test_forecasts_that_are_not_finite_do_not_hide_their_error():
    measures = kind_of(label()).measures(label())
    sums = measures.sums(TARGETS, FORECASTS, np.float32([1, 1]))
    assert set(measures.measured(np.sum(sums, 0))) == {"smape", "mase", "mean_absolute_error"}
    assert set(measures.measured(np.asarray(sums[1]))) == {"smape", "mean_absolute_error"}
    assert np.isnan(measures.measured(np.float32([1, np.nan, 1, 0, 0]))["mase"])
