"""What TFX's Trainer and Tuner call: the training loop, its backups and strategies, warm start, progress. May import
`schemas` and the wings before it. Start at `run.py`.
"""
