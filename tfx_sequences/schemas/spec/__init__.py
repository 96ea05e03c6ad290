"""The spec: its sections, their checks, YAML and JSON, the difference of two specs, and the deployment file. May import
`schemas.columns`. Start at `sequence_spec.py`.
"""
