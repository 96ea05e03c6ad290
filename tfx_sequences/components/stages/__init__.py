"""The pipeline's components that are not TFX's stock ones. May import `schemas` and all other wings of
`components`. Start at `trainer.py`.
"""
