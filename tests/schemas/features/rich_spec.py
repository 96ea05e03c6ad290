"""A spec with every kind of domain and presence that a schema of features can express."""

from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

RICH = SequenceSpec(
    name="rich",
    id_key="id",
    example_weight="w",
    context={
        "age": {"type": "numeric", "default_value": 1.5},
        "place": {"type": "numeric", "shape": (2,)},
        "city": {"type": "categorical"},
        "clash": {"type": "categorical", "dtype": "int64", "num_buckets": 4, "default_value": 0},
        "tags": {"type": "categorical", "multi_valued": True},
        "group": {"type": "bucketized", "shape": (2,), "boundaries": (1.0,), "default_value": 0.5},
        "title": {"type": "text"},
        "plan": {"type": "categorical", "vocabulary_list": ("free", "paid"), "num_oov_buckets": 0},
    },
    sequence={
        "lpc": {"type": "numeric", "shape": (3,)},
        "clash": {"type": "numeric"},
        "day": {"type": "categorical", "dtype": "int64", "num_buckets": 7},
        "token": {"type": "categorical"},
        "genres": {"type": "categorical", "multi_valued": True},
        "speed": {"type": "bucketized", "boundaries": (1.0,)},
        "words": {"type": "text", "source": "sequence"},
    },
    label={"key": "y", "classes": ["a", "b"]},
)
