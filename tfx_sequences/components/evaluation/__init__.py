"""What TFX's Evaluator computes: its configuration, our metrics, plots and extractors, and the result read back. May
import `schemas` and the wings before it. Start at `config.py`.
"""
