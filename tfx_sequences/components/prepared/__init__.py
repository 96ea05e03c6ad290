"""The prepared store: transformed records, written once as arrays that later epochs read without parsing. May import
`schemas` and the wings before it. Start at `store.py`, and at `prepared_input.py` for its use in training.
"""
