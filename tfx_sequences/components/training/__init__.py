"""The code that TFX's Trainer and Tuner call: training loop, backups, strategies, warm start, progress. May import
`schemas` and the wings before it. Start at `run.py`.
"""
