"""A run on this machine: the pipeline, what is shown while it runs, and the report. May import `schemas`, `components`
and the files of `pipeline`. Start at `run.py`.
"""
