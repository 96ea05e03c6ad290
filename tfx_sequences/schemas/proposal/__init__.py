"""A first spec for a `tensorflow_metadata` schema, with comments that say what was guessed. May import the other
schemas. Start at `propose.py`.
"""
