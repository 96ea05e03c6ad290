"""Mutated transformed records: the reader and the prepared store use them, refuse them by name, or count them."""

from __future__ import annotations

import numpy as np
import pytest

from tests.attack.record_mutators import mutated
from tests.attack.small_models import good_records, spec_of
from tests.attack.wire import EXAMPLE
from tests.records import write_records
from tfx_sequences.components.input.record_blocks import BlockReader
from tfx_sequences.components.input.record_formats import transformed_records
from tfx_sequences.components.input.row_store import parser_of
from tfx_sequences.components.records.framing import read_records
from tfx_sequences.components.records.well_formed import canonical
from tfx_sequences.components.transform.split_analysis import analyze_split
from tfx_sequences.components.transform.transform_graph import TransformGraph
from tfx_sequences.components.transform.transform_output import TransformOutput
from tfx_sequences.components.transform.transformed_files import write_transformed
from tfx_sequences.errors import DataError
from tfx_sequences.schemas.features.transformed_features import make_parse_transformed_spec

PER_ROUND = 4000
ROUNDS = 2
_AT_ONCE = 500


@pytest.fixture(scope="module")
def transformed(tmp_path_factory):
    """Good transformed records of the small spec."""
    folder, spec = tmp_path_factory.mktemp("transformed"), spec_of("SequenceExample")
    raw = [str(write_records(folder / "train.tfrecord", good_records("SequenceExample")))]
    analyze_split(spec, raw, str(folder / "graph"))
    graph = TransformGraph(TransformOutput(str(folder / "graph")).transform_savedmodel_dir)
    write_transformed(spec, graph, raw, str(folder / "transformed"))
    return list(read_records(folder / "transformed"))


def test_the_reader_counts_what_it_cannot_use(transformed, rounds, tally, tmp_path):
    spec = spec_of("SequenceExample")
    parser = parser_of(transformed_records(spec, make_parse_transformed_spec(spec)))
    for random in rounds(ROUNDS):
        records = [mutated(transformed[i % len(transformed)], EXAMPLE, random)[1] for i in range(PER_ROUND)]
        # A good record before each mutated one.
        mixed = [r for i, record in enumerate(records) for r in (transformed[i % len(transformed)], record)]
        file = str(write_records(tmp_path / "mixed", mixed))
        reader = BlockReader([file], _AT_ONCE, parser, 0, check=True, skip_malformed=True)
        read, malformed = [], []
        while (block := reader.read()) is not None:
            read += block.places[:, 1].tolist()
            malformed += block.malformed[:, 1].tolist()
            if block.store is not None:
                kept = block.store.records.numpy()
                assert all(record == mixed[at] for record, at in zip(kept, block.places[:, 1], strict=False))
        assert sorted(read + malformed) == list(range(len(mixed)))
        assert not any(at % 2 == 0 for at in malformed)
        wrong = np.flatnonzero(~canonical(mixed)).tolist()
        assert set(wrong) <= set(malformed)
        tally.add("transformed reader", "answered", len(read) - PER_ROUND)
        tally.add("transformed reader", "counted", len(malformed))
        first = min(malformed)
        strict = BlockReader([file], _AT_ONCE, parser, 0, check=True, skip_malformed=False)
        with pytest.raises(DataError, match=rf"Record mixed:{first} cannot be parsed"):
            while strict.read() is not None:
                pass
