"""Converts columns of `tf.feature_column` to columns of this package. May import the other schemas. Start at
`migrated_columns.py`.
"""
