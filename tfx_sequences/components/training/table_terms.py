"""The terms of embedding tables, in the order of their ids."""

from __future__ import annotations

import tensorflow_transform as tft

from tfx_sequences.schemas.columns.column import TermColumn
from tfx_sequences.schemas.columns.shared_tables import names_by_table
from tfx_sequences.schemas.columns.vocabularies import known_terms
from tfx_sequences.schemas.features.computed_vocabularies import computed_vocabularies
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


def table_terms(spec: SequenceSpec, tft_output: tft.TFTransformOutput) -> dict[str, list[str]]:
    """By table, for those whose ids stand for terms: given by the spec, or computed by Transform."""
    computed = {name: file for file, names in computed_vocabularies(spec).items() for name in names}
    found = {}
    for table, names in names_by_table(spec.columns).items():
        column = spec.columns[names[0]]
        if not isinstance(column, TermColumn):
            continue
        if names[0] in computed:
            found[table] = [term.decode() for term in tft_output.vocabulary_by_name(computed[names[0]])]
        elif (terms := known_terms(column)) is not None:
            found[table] = terms
    return found
