"""ExampleListWithContext at serving: parsed in the graph as the records that training reads."""

import numpy as np
import pytest
import tensorflow as tf

from tests.example_lists import SPEC, as_steps, example_list, lists
from tests.records import write_records
from tfx_sequences.components.records.elwc import as_sequence_example
from tfx_sequences.components.serving.elwc_inputs import from_example_lists
from tfx_sequences.components.serving.names import ELWC_SIGNATURE, EXAMPLES, SERVING_SIGNATURE
from tfx_sequences.components.serving.prediction import predict_files
from tfx_sequences.errors import DataError, UserInputError
from tfx_sequences.schemas.features.parse_specs import parse_records


def serialized(given):
    return tf.constant([example_list(*each).SerializeToString() for each in given], tf.string)


def test_the_graph_parses_what_the_files_are_converted_to():
    given = lists()
    found = tf.function(lambda records: from_example_lists(records, SPEC))(serialized(given))
    converted = tf.constant([as_sequence_example(record) for record in serialized(given).numpy()], tf.string)
    expected = parse_records(converted, SPEC, with_label=False)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        if isinstance(value, tf.RaggedTensor):
            assert found[name].to_list() == value.to_list(), name
        else:
            np.testing.assert_array_equal(found[name], value, err_msg=name)


def test_lists_without_items_and_no_lists_at_all():
    context = {"query": "q", "place": [1.0, 2.0]}
    found = from_example_lists(serialized([(context, []), *lists(2)]), SPEC)
    assert [len(row) for row in found["sequence.cuisine"].to_list()] == [0, 1, 2]
    nothing = from_example_lists(tf.constant([], tf.string), SPEC)
    assert nothing["sequence.cuisine"].to_list() == []
    assert nothing["place"].shape == (0, 2)


def test_a_required_feature_and_a_broken_record_are_told():
    with pytest.raises(tf.errors.InvalidArgumentError, match="place"):
        from_example_lists(serialized([({"query": "q"}, [])]), SPEC)
    with pytest.raises(tf.errors.DataLossError):
        from_example_lists(tf.constant([b"no protocol buffer"]), SPEC)


@pytest.mark.slow
def test_the_exported_model_answers_lists_as_the_records_they_stand_for(lists_model):
    given = lists()
    steps = [as_steps(*each) for each in given]
    as_lists = lists_model.run(ELWC_SIGNATURE, {EXAMPLES: serialized(given).numpy()})
    as_records = lists_model.run(
        SERVING_SIGNATURE, {EXAMPLES: np.array([s.SerializeToString() for s in steps], object)}
    )
    for name, value in as_records.items():
        np.testing.assert_array_equal(as_lists[name], value, err_msg=name)
    assert [*lists_model.steps_of(serialized(given).numpy(), ELWC_SIGNATURE)] == [1 + i % 4 for i in range(12)]
    with pytest.raises(DataError, match=r"Row 1 is not a record[\s\S]*ExampleListWithContext"):
        lists_model.run(ELWC_SIGNATURE, {EXAMPLES: np.array([serialized(given).numpy()[0], b"\x0a\xff"], object)})
    with pytest.raises(UserInputError, match="does not take rows"):
        lists_model.predict([{}], signature_name=ELWC_SIGNATURE)


@pytest.mark.slow
def test_items_without_features_are_answered_by_predict_and_by_the_signature(lists_model, tmp_path):
    context = {"query": "q", "place": [1.0, 2.0]}
    given = [(context, [{}, {}]), (context, []), (context, [{"cuisine": "Pizzeria"}, {}, {}]), *lists()]
    file = write_records(tmp_path / "lists.tfrecord", [example_list(*each) for each in given])
    served = lists_model.run(ELWC_SIGNATURE, {EXAMPLES: serialized(given).numpy()})["predicted_class"]
    rows = [row["predicted_class"] for row in predict_files(lists_model.folder, file)]
    assert [len(row) for row in rows] == [2, 0, 3, *(1 + i % 4 for i in range(12))]
    for row, classes in zip(rows, served, strict=True):
        assert row == [c.decode() for c in classes[: len(row)]]
    assert [*lists_model.steps_of(serialized(given).numpy(), ELWC_SIGNATURE)][:3] == [2, 0, 3]


@pytest.mark.slow
@pytest.mark.parametrize("signature", [ELWC_SIGNATURE, SERVING_SIGNATURE])
def test_records_of_the_other_type_are_refused(lists_model, signature):
    context, items = lists()[7]
    record = (as_steps if signature == ELWC_SIGNATURE else example_list)(context, items).SerializeToString()
    good = (example_list if signature == ELWC_SIGNATURE else as_steps)(*lists()[1]).SerializeToString()
    other, fits = (
        ("SequenceExample", SERVING_SIGNATURE)
        if signature == ELWC_SIGNATURE
        else ("ExampleListWithContext", ELWC_SIGNATURE)
    )
    with pytest.raises(DataError, match=rf"Row 1 is a record of another type[\s\S]*serialized {other}") as raised:
        lists_model.run(signature, {EXAMPLES: np.array([good, record], object)})
    assert f"The signature '{fits}' takes {other}." in str(raised.value)
    # The graph alone, as a model server runs it, refuses them too.
    with pytest.raises((tf.errors.InvalidArgumentError, tf.errors.DataLossError)):
        lists_model.signatures[signature](examples=tf.constant([good, record]))
