import pydantic
import pytest

from tfx_sequences.schemas.columns.column import CategoricalColumn, NumericColumn
from tfx_sequences.schemas.spec.label import Label
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

LPC = NumericColumn(key="lpc", is_sequence=True)


def make(**changes):
    return SequenceSpec(**{"name": "s", "sequence": [LPC], "label": {"key": "y"}, **changes})


def test_columns_may_be_a_list_or_a_dict():
    assert make() == make(sequence={"lpc": LPC}) == make(sequence={"lpc": {"type": "numeric"}})


def test_one_feature_may_have_two_views():
    spec = make(
        sequence={
            "day": {"type": "categorical", "dtype": "int64", "num_buckets": 7},
            "day_as_number": {"type": "numeric", "key": "day", "dtype": "int64"},
        }
    )
    assert [c.key for c in spec.columns.values()] == ["day", "day"]


def test_context_and_sequence_names_are_told_apart():
    spec = make(context=[NumericColumn(key="lpc")])
    assert list(spec.columns) == ["context.lpc", "sequence.lpc"]


def test_columns_are_in_name_order_however_they_are_written():
    a, b = (CategoricalColumn(key=k, is_sequence=True) for k in "ab")
    assert list(make(sequence=[b, a]).columns) == ["sequence.a", "sequence.b"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sequence": []}, "at least 1"),
        ({"sequence": [NumericColumn(key="x")]}, "declared as a context column"),
        ({"context": [LPC]}, "declared as a sequence column"),
        ({"context": [NumericColumn(key="y")]}, "the model would see the answer"),
        ({"name": "1 x"}, "pattern"),
        ({"evaluation": {"thresholds": {"mse": {"min": 0.5}}}}, r"no metric 'mse'. Use accuracy, loss, auc"),
        ({"evaluation": {"thresholds": {"loss": {}}}}, "min, max or both"),
        ({"evaluation": {"slices": ["city"]}}, "neither a context feature nor a label of the record"),
        ({"batching": {"bucket_boundaries": [5, 5]}}, "must be increasing"),
        ({"record": "Example", "context": [NumericColumn(key="lpc")]}, "a tf.Example has one feature for each name"),
        ({"record": "Example", "label": {"key": "lpc"}}, "a tf.Example has one feature for each name"),
        ({"modle": {}}, "Did you mean 'model'"),
        ({"model": {"cell": "rnn"}}, "lstm"),
        ({"model": {"units": []}}, "at least 1"),
        ({"splits": {"valid_fraction": 0.7}}, "less than 0.5"),
    ],
)
def test_what_cannot_be_is_an_error(changes, message):
    with pytest.raises(pydantic.ValidationError, match=message):
        make(**changes)


@pytest.mark.parametrize(
    ("label", "dtype"),
    [
        ({"key": "y"}, "string"),
        ({"key": "y", "classes": ["a", "b"]}, "string"),
        ({"key": "y", "classes": [3, 1]}, "int64"),
        ({"key": "y", "type": "regression"}, "float32"),
        ({"key": "y", "type": "regression", "dtype": "int64"}, "int64"),
    ],
)
def test_label_dtype_follows_from_the_rest(label, dtype):
    assert Label(**label).dtype == dtype


@pytest.mark.parametrize(
    ("label", "message"),
    [
        ({"classes": ["a"]}, "at least 2"),
        ({"classes": ["a", "b", "a"]}, "twice"),
        ({"classes": [1, 2], "dtype": "string"}, "must contain values of dtype string"),
        ({"type": "regression", "classes": ["a", "b"]}, "cannot have classes"),
        ({"type": "regression", "dtype": "string"}, "is a number"),
        ({"dtype": "float32"}, "not float32"),
    ],
)
def test_label_contradictions_are_errors(label, message):
    with pytest.raises(pydantic.ValidationError, match=message):
        Label(key="y", **label)


@pytest.mark.parametrize(
    ("batching", "message"),
    [
        ({"bucket_boundaries": (5, 5)}, "must be increasing"),
        ({"bucket_batch_sizes": (5,)}, "needs bucket_boundaries"),
        ({"bucket_boundaries": (5,), "bucket_batch_sizes": (5,)}, "expected 2, received 1"),
        ({"drop_shorter_than": 9, "drop_longer_than": 8}, "no sequence would remain"),
        ({"padding": {"lcp": {}}}, r"'lcp' is not a sequence feature. Did you mean 'lpc'\?"),
        ({"padding": {"day": {"value": 0.5}}}, "'day' has ids, so its value must be a whole number"),
    ],
)
def test_batching_that_contradicts_itself_is_refused(batching, message):
    with pytest.raises(pydantic.ValidationError, match=message):
        make(sequence={"lpc": LPC, "day": {"type": "categorical"}}, batching=batching)


def test_a_prepared_store_keeps_one_id_per_step():
    several = {"type": "categorical", "multi_valued": True}
    base = {"name": "s", "label": {"key": "y"}, "batching": {"prepared": True}}
    arrays = {"type": "bucketized", "shape": (2,), "boundaries": (0.0,)}
    SequenceSpec(**base, sequence={"x": {"type": "categorical"}, "y": arrays})
    for columns in ({"sequence": {"x": several}}, {"sequence": {"x": arrays}, "context": {"tags": several}}):
        with pytest.raises(pydantic.ValidationError, match=r"batching.prepared cannot keep (sequence.x|context.tags)"):
            SequenceSpec(**base, **columns)
