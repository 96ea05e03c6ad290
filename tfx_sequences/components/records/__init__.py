"""Record files and the values in them: finding and reading files, checking every record against the spec, inferring a
schema. May import `schemas` and `components.features`. Start at `data_check.py`.
"""
