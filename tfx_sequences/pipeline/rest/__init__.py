"""A REST server that answers as TensorFlow Serving does. May import `schemas` and `components`. Start at
`rest_server.py`.
"""
