"""What computes for each kind of label: its head, its loss, what it is measured by, and what the served model answers.
One file per kind, the twin of the file in `schemas/kinds` that declares it. The wing stands before the network, which
builds on it and names no kind. What Transform, batches and checks need is declared in the twin, so that a change of a
loss runs only the training again. May import `schemas` and the wings before it. Start at `label_kind.py`; a new kind is
a line in `registry.py`.
"""
