"""Columns of `tf.feature_column`, translated to those of this package. May import the other schemas. Start at
`migrated_columns.py`.
"""
