"""What runs in TFX's Transform: the preprocessing function, and the figures that it computes over the training split.
May import `schemas` and the wings before it. Start at `preprocessing.py`.
"""
