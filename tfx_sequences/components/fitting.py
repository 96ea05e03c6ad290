"""Fits the compiled network to the input."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf
from absl import logging

from tfx_sequences.errors import UserInputError
from tfx_sequences.schemas.spec import SequenceSpec


def fit(
    model: keras.Model,
    spec: SequenceSpec,
    train: tf.data.Dataset,
    valid: tf.data.Dataset,
    *callbacks: keras.callbacks.Callback,
) -> dict[str, list[float]]:
    """Fits until the epochs are over or the validation loss rises no more; the best weights are kept.

    Returns:
        Keras' history, one value per epoch.

    Raises:
        UserInputError: The validation loss was never finite.
    """
    stop = keras.callbacks.EarlyStopping(
        monitor="val_loss", patience=spec.training.early_stopping_patience, restore_best_weights=True
    )

    class LogEpoch(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            figures = ", ".join(f"{k} {v:.4f}" for k, v in (logs or {}).items())
            logging.info("Epoch %d/%d: %s", epoch + 1, spec.training.epochs, figures)

    fitted = model.fit(
        train, validation_data=valid, epochs=spec.training.epochs, callbacks=[*callbacks, stop, LogEpoch()], verbose=0
    )
    history = {name: [float(v) for v in values] for name, values in fitted.history.items()}
    if not np.isfinite(history["val_loss"]).any():
        raise UserInputError(
            f"Training diverged: the validation loss was no number in any of {len(history['val_loss'])} epochs.",
            expected="a finite loss",
            received=f"training loss {history['loss'][0]:g} in the first epoch",
            fix="Lower training.learning_rate or set training.gradient_clip_norm in the spec; "
            "for features of extreme values choose a normalizer.",
        )
    return history
