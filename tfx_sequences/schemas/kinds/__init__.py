"""What is declared of each kind of label, without TensorFlow: the checks and defaults of its fields, what records hold,
which target Transform makes, the names of its metrics and outputs, and a row of its predictions. One file per kind,
found by the label's `type`; the file of the same name in `components/kinds` has what computes. They are two files,
because a spec is read where TensorFlow is not imported, and because a change of a loss must not make Transform run
again. May import `schemas.columns`. Start at `declared_kind.py`; a new kind is a line in `registry.py`.
"""
