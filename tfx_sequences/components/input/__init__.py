"""The training input: reads, shuffles, buckets by length and batches records, and resumes an interrupted epoch
at the same record. May import `schemas` and the wings before it. Start at `sequence_input.py`.
"""
