"""The layer alone: Keras layers that turn parsed features into `[B, T, D]` with a mask, and their embedding tables.
Needs TensorFlow and Keras, not TFX. May import `schemas.columns` and the ground floor. Start at `sequence_features.py`.
"""
