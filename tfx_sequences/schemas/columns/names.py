"""Names and special values in records and batches, which every wing above shares."""

SEQUENCE_PREFIX = "sequence."
CONTEXT_PREFIX = "context."
SEQUENCE_LENGTH = "sequence_length"

# Stands for a missing int64 term; no record holds it in practice, so it is an unknown term.
MISSING_INT = -(2**63)
# The id of a value that has no id.
NO_ID = -1


def raw_name(key: str, *, of_steps: bool) -> str:
    """The name of a parsed feature: a context and a sequence feature may share a key.

    >>> raw_name("y", of_steps=False), raw_name("y", of_steps=True), raw_name("sequence.y", of_steps=False)
    ('y', 'sequence.y', 'context.sequence.y')
    """
    if of_steps:
        return SEQUENCE_PREFIX + key
    return CONTEXT_PREFIX + key if key.startswith((SEQUENCE_PREFIX, CONTEXT_PREFIX)) else key


def weights_name(name: str) -> str:
    """The transformed name of the weights of the terms of a feature.

    >>> weights_name("sequence.genres")
    'sequence.genres.weights'
    """
    return f"{name}.weights"
