"""The code that runs in TFX's Transform: the preprocessing function, and its statistics of the training split.
May import `schemas` and the wings before it. Start at `preprocessing.py`.
"""
