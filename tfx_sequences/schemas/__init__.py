"""Declarations: columns, specs, and what follows from them without data. No file here runs a model. May import the
ground floor (`errors`, `compat`, `version`, `code_digest`). Start at `spec/sequence_spec.py`.
"""
