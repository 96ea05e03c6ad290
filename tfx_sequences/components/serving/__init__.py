"""The exported model and its use: signatures, the model card, requests, predictions for files. May import `schemas`
and the wings before it. Start at `exported_model.py` for the export, and at `loaded_model.py` for a model that has
been exported.
"""
