"""Proposes a spec for a `tensorflow_metadata` schema, with comments on what was guessed. May import the other
schemas. Start at `propose.py`.
"""
