"""The components that the pipeline has beside the stock ones of TFX. May import `schemas` and all other wings of
`components`. Start at `trainer.py`.
"""
