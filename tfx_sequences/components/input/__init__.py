"""The training input: records are read, shuffled, bucketed by length and batched, and an interrupted epoch is resumed
at the same record. May import `schemas` and the wings before it. Start at `sequence_input.py`.
"""
