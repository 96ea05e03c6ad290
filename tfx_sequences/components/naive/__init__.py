"""Metrics of naive answers, which need no network: the majority class, the previous label, the last season. They are
computed on the same targets as the model's own metrics. May import `schemas` and the wings before it. Start at
`answers.py`.
"""
