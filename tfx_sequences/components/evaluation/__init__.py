"""Metrics, slices and plots of an exported model: `evaluate.py` computes them with TensorFlow alone, and `config.py`,
`metrics.py`, `plots.py` and `extractors.py` let TFX's Evaluator compute the same. May import `schemas` and the wings
before it. Start at `evaluate.py`.
"""
