"""The columns of a spec: what one feature of a record is, and how it becomes model input. They are frozen pydantic
models, and importing them does not import TensorFlow. May import the ground floor only. Start at `column.py`;
`feature_columns.py` has the builders under the names of `tf.feature_column`, and `names.py` the names and special
values in records.
"""
