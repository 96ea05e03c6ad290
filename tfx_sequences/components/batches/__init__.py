"""TensorFlow operations on the records of one batch: truncation, padding, labels, windows of series. May import
`schemas` and the wings before it. Start at `padding.py`.
"""
