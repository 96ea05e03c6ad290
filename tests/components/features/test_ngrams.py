"""n-grams against Python's own slices of lists."""

import random

import pydantic
import pytest
import tensorflow as tf

from tests.layouts.trained_layout import analyze
from tests.records import sequence_example
from tfx_sequences.components.features.ngrams import ngrams
from tfx_sequences.components.features.sequence_features import SequenceFeatures
from tfx_sequences.errors import UserInputError
from tfx_sequences.schemas.features.parse_specs import parse_records
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


def by_hand(row, width):
    return [" ".join(row[max(0, i - width + 1) : i + 1]) if term else "" for i, term in enumerate(row)]


def strings(ragged):
    return [[term.decode() for term in row] for row in ragged.to_list()]


@pytest.mark.parametrize("width", [1, 2, 3, 5])
def test_rows_of_any_length(width):
    drawn = random.Random(0)
    rows = [[drawn.choice(["a", "b", "", "ß c"]) for _ in range(drawn.randrange(7))] for _ in range(40)]
    found = ngrams(tf.ragged.constant(rows, tf.string), width)
    assert strings(found) == [by_hand(row, width) for row in rows]


def test_tokens_of_steps_do_not_reach_into_other_steps():
    steps = tf.ragged.constant([[["a", "b"], ["c", "d", "e"]], [], [[], ["f"]]], ragged_rank=2)
    assert ngrams(steps, 2).to_list() == [[[b"a", b"a b"], [b"c", b"c d", b"d e"]], [], [[], [b"f"]]]


def test_nothing_stays_nothing():
    assert ngrams(tf.ragged.constant([[], []], tf.string, ragged_rank=1), 3).to_list() == [[], []]


RECORDS = [
    sequence_example({"k": "a", "note": "so good so good"}, {"w": ["Not", "so", "good"], "n": [7, 8]}),
    sequence_example({"k": "b", "note": "so good"}, {"w": ["not", None, "so", "good"], "n": [7]}),
    sequence_example({"k": "a", "note": ""}, {"w": [], "n": [7, 8, 7, 8]}),
]
SPEC = SequenceSpec(
    name="s",
    context={"note": {"type": "text", "ngram_width": 2}},
    sequence={
        "w": {"type": "categorical", "lowercase": True},
        "pair": {"type": "categorical", "key": "w", "lowercase": True, "ngram_width": 2},
        "hashed": {"type": "categorical", "key": "n", "dtype": "int64", "ngram_width": 3, "hash_bucket_size": 9},
    },
    label={"key": "k"},
)


def test_transform_numbers_them_by_a_vocabulary_or_a_hash(tmp_path):
    serialized = [record.SerializeToString() for record in RECORDS]
    # One list of each record has its own number of steps here; only the ids are of interest.
    apart = [
        SPEC.model_copy(update={"sequence": {k: SPEC.sequence[k] for k in keys}}) for keys in (["pair"], ["hashed"])
    ]
    found = {}
    for number, spec in enumerate(apart):
        output = analyze(spec, serialized, tmp_path / str(number))
        found[number] = (output, output.transform_raw_features(parse_records(tf.constant(serialized), spec)))
    output, ids = found[0]
    terms = [t.decode() for t in output.vocabulary_by_name("vocabulary_sequence_pair")]
    # Seen twice: "so good", and "not" at the beginning of a record.
    assert sorted(terms) == ["not", "so good"]
    known = {term: place for place, term in enumerate(terms)}
    expected = [["not", "not so", "so good"], ["not", "", " so", "so good"], []]
    assert ids["sequence.pair"].to_list() == [[known.get(t, len(terms)) for t in row] for row in expected]
    notes = [t.decode() for t in output.vocabulary_by_name("vocabulary_context_note")]
    assert sorted(notes) == ["so", "so good"]
    _, ids = found[1]
    grams = [["7", "7 8"], ["7"], ["7", "7 8", "7 8 7", "8 7 8"]]
    hashes = [tf.strings.to_hash_bucket_fast(tf.constant(row), 9).numpy().tolist() for row in grams]
    assert ids["sequence.hashed"].to_list() == hashes


@pytest.mark.parametrize(
    "change, words",
    [
        ({"vocabulary_list": ["a"]}, "a computed vocabulary or hash_bucket_size"),
        ({"num_oov_buckets": 0}, "needs ids for unknown n-grams"),
        ({"multi_valued": True}, "one term per step"),
        ({"dtype": "int64", "num_buckets": 4}, "a computed vocabulary or hash_bucket_size"),
    ],
)
def test_what_a_column_cannot_join_is_refused(change, words):
    with pytest.raises(pydantic.ValidationError, match=words):
        SequenceSpec(name="s", sequence={"w": {"type": "categorical", "ngram_width": 2, **change}}, label={"key": "k"})


def test_a_layer_says_who_joins_terms():
    column = SPEC.sequence["pair"].model_copy(update={"vocabulary": None, "hash_bucket_size": 9})
    with pytest.raises(UserInputError, match="n-grams, which a pipeline's transform graph makes"):
        SequenceFeatures([column])
