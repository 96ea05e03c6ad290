"""The computing part of each kind of label: its head, its loss, its measures, and the served model's predictions. There
is one file per kind, the twin of the file in `schemas/kinds` that declares it. The network builds on this wing and does
not name kinds. What Transform, batches and checks need is declared in the twin, so that a change of a loss reruns only
the training. May import `schemas` and the wings before it. Start at `label_kind.py`; a new kind is a line in
`registry.py`.
"""
