"""What is done to the records of one batch, in TensorFlow: truncation, padding, labels, windows of series. May import
`schemas` and the wings before it. Start at `padding.py`.
"""
