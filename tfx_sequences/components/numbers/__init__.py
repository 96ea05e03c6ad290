"""Numbers: what is known of them from the training split, the normalisers, and the choice between these. NumPy for
statistics, TensorFlow for what a graph or a layer does. May import `schemas.columns`. Start at `choice.py`.
"""
