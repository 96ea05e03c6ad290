"""Pipelines for Kubeflow Pipelines and Vertex AI: compiled to a file, and submitted. May import `schemas`, `components`
and the files of `pipeline`. Start at `compilation.py`.
"""
