"""ExampleListWithContext at serving: parsed in the graph as the records that training reads."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft

from tests.everything import Analyzed, analyzed, exported
from tests.example_lists import as_steps, example_list
from tfx_sequences.components.records.elwc import as_sequence_example
from tfx_sequences.components.serving.elwc_inputs import from_example_lists
from tfx_sequences.components.serving.loaded_model import load_model
from tfx_sequences.components.serving.names import ELWC_SIGNATURE, EXAMPLES, SERVING_SIGNATURE
from tfx_sequences.errors import DataError, UserInputError
from tfx_sequences.schemas.features.parse_specs import parse_records
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

SPEC = SequenceSpec.model_validate(
    {
        "name": "lists",
        "record": "ELWC",
        "context": {
            "query": {"type": "categorical"},
            "place": {"type": "numeric", "shape": [2]},
            "words": {"type": "categorical", "multi_valued": True},
        },
        "sequence": {
            "cuisine": {"type": "categorical"},
            "seats": {"type": "numeric", "dtype": "int64"},
            "tags": {"type": "categorical", "multi_valued": True},
        },
        "label": {"key": "relevance", "per_step": True, "dtype": "int64"},
        "model": {"units": [4]},
    }
)


def lists(number=12):
    made = []
    for i in range(number):
        context = {"query": f"q{i % 3}", "place": [float(i), -1.0], "words": ["near", "me"][: i % 3]}
        items = [
            {
                "cuisine": ["Pizzeria", "Taqueria"][(i + n) % 2],
                "tags": ["new", "cheap"][: (n + 1) % 3],
                "relevance": (i + n) % 3,
                **({"seats": 10 * n} if n % 2 == 0 else {}),
            }
            for n in range(1 + i % 4)
        ]
        made.append((context, items))
    return made


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


def test_the_exported_model_answers_lists_as_the_records_they_stand_for(tmp_path):
    given = lists()
    steps = [as_steps(*each) for each in given]
    records = [
        (
            context,
            {key: [item.get(key) for item in items] for key in ("cuisine", "seats", "tags", "relevance")},
        )
        for context, items in given
    ]
    graph = analyzed(SPEC, records, tmp_path)
    assert isinstance(graph, Analyzed) and tft.TFTransformOutput(graph.transform_dir)
    keras.utils.set_random_seed(0)
    _, folder = exported(graph, tmp_path / "model")
    model = load_model(folder)
    as_lists = model.run(ELWC_SIGNATURE, {EXAMPLES: serialized(given).numpy()})
    as_records = model.run(SERVING_SIGNATURE, {EXAMPLES: np.array([s.SerializeToString() for s in steps], object)})
    for name, value in as_records.items():
        np.testing.assert_array_equal(as_lists[name], value, err_msg=name)
    assert [*model.steps_of(serialized(given).numpy(), ELWC_SIGNATURE)] == [1 + i % 4 for i in range(12)]
    with pytest.raises(DataError, match=r"Row 1 is not a record[\s\S]*ExampleListWithContext"):
        model.run(ELWC_SIGNATURE, {EXAMPLES: np.array([serialized(given).numpy()[0], b"\x0a\xff"], object)})
    with pytest.raises(UserInputError, match="does not take rows"):
        model.predict([{}], signature_name=ELWC_SIGNATURE)
