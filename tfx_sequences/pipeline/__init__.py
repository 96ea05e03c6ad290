"""The pipeline of a spec and the programs around it. May import `schemas` and `components`. Start at `create.py`; the
wings are `local`, `cloud`, `rest` and `commands`.
"""
