"""ExampleListWithContext over HTTP: answered as by the model in this process, and as the records they stand for."""

import base64
import http.client
import json

import numpy as np
import pytest

from tests.example_lists import as_steps, example_list, lists
from tfx_sequences.components.serving.names import ELWC_SIGNATURE, EXAMPLES
from tfx_sequences.pipeline.rest.rest_limits import Limits
from tfx_sequences.pipeline.rest.rest_server import RestServer

LISTS = [example_list(*each).SerializeToString() for each in lists()]


@pytest.fixture(scope="module")
def server(lists_model):
    with RestServer(lists_model, "lists", limits=Limits(rows=12, steps=4)) as running:
        yield running


def call(server, records, **form):
    """Status and answer; records are rows unless `form` says otherwise."""
    given = [{"b64": base64.b64encode(record).decode()} for record in records]
    body = {"signature_name": ELWC_SIGNATURE, **({"inputs": {EXAMPLES: given}} if form else {"instances": given})}
    connection = http.client.HTTPConnection(*server.address, timeout=120)
    try:
        connection.request("POST", "/v1/models/lists:predict", json.dumps(body))
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def plain(values):
    """As JSON has them: strings are text."""
    return np.char.decode(values.astype(bytes)).tolist() if values.dtype == object else values.tolist()


def test_columns_are_the_outputs_of_the_model(server, lists_model):
    status, answer = call(server, LISTS, columns=True)
    assert status == 200, answer
    outputs = lists_model.run(ELWC_SIGNATURE, {EXAMPLES: np.array(LISTS, object)})
    assert answer["outputs"] == {name: plain(values) for name, values in outputs.items()}


def test_rows_are_the_outputs_for_the_same_values_as_plain_rows(server, lists_model):
    keys = ("cuisine", "seats", "tags")
    rows = [{**context, **{key: [item.get(key) for item in items] for key in keys}} for context, items in lists()]
    expected = lists_model.predict(rows)
    status, answer = call(server, LISTS)
    assert status == 200, answer
    assert len(answer["predictions"]) == len(rows)
    for index, row in enumerate(answer["predictions"]):
        assert row == {name: plain(values)[index] for name, values in expected.items()}


def test_a_list_alone_and_a_list_without_items(server, lists_model):
    context, _ = lists()[3]
    empty = example_list(context, []).SerializeToString()
    for record in (LISTS[3], empty):
        status, answer = call(server, [record], columns=True)
        assert status == 200, answer
        outputs = lists_model.run(ELWC_SIGNATURE, {EXAMPLES: np.array([record], object)})
        assert answer["outputs"] == {name: plain(values) for name, values in outputs.items()}


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (example_list(lists()[0][0], [{"cuisine": "Pizzeria"}] * 5), "Row 1 has 5 steps; at most 4 are allowed"),
        (as_steps(*lists()[7]), "The signature 'serving_default' takes SequenceExample."),
        (example_list({"query": "q"}, [{"cuisine": "Pizzeria"}]), "place"),
        (example_list({"query": "q", "place": [1.0, 2.0]}, [{"cuisine": 3}]), "cuisine"),
    ],
)
def test_a_bad_list_has_its_error(server, record, words):
    status, answer = call(server, [LISTS[0], record.SerializeToString()])
    assert (status, list(answer)) == (400, ["error"])
    assert words in answer["error"], answer
