"""Numbers: their statistics in the training split, the normalizers, and the choice between them. Uses NumPy for
statistics, and TensorFlow in graphs and layers. May import `schemas.columns`. Start at `choice.py`.
"""
