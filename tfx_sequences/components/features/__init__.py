"""Keras layers that turn parsed features into `[B, T, D]` with a mask, and embedding tables. They
need TensorFlow and Keras, not TFX. May import `schemas.columns` and the ground floor. Start at `sequence_features.py`.
"""
