"""Rows of tables to records: reading files, grouping, cutting, and writing SequenceExamples, vectorised over Arrow. May
import `schemas` and `components.records`; needs pyarrow, neither TensorFlow nor Beam. Start at `row_records.py`.
"""
