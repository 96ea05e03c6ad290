"""The features that a spec reads, transforms and serves: one list each, which parse specs, schemas, requests and checks
share. May import `schemas.columns` and `schemas.spec`. Start at `raw_features.py`.
"""
