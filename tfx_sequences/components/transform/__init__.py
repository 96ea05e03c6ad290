"""The preprocessing function, in TFX's Transform or traced without it, and its statistics of the training split.
May import `schemas` and the wings before it. Start at `preprocessing.py`.
"""
