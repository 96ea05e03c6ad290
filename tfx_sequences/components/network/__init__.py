"""The Keras model of a spec: network, heads, losses, measures, optimizer. May import `schemas` and the wings before it.
Start at `model.py`.
"""
