"""Sequence models on TFX, from one declarative spec: records, transforms, batches, model, evaluation, serving.

The public names are loaded when first used, so `import tfx_sequences` is quick
and imports neither TensorFlow nor TFX.

>>> from tfx_sequences import load_spec
>>> load_spec("japanese_vowels").name
'japanese_vowels'
"""

# Every Python must be able to parse this module, version and __main__: no annotations, no f-strings.

from tfx_sequences.version import __version__ as __version__

# Each public name, once: its module below `tfx_sequences`. `python scripts/public_names.py` writes what follows from
# it, for type checkers (`__init__.pyi`) and for the test of signatures (`tests/public_names.txt`).
_PUBLIC = {
    "components.evaluation.evaluate": ("evaluate_model",),
    "components.features.embedding_tables": ("EmbeddingTables",),
    "components.features.feature_column_weights": ("load_sequence_features_weights",),
    "components.features.sequence_features": ("ContextFeatures", "SequenceFeatures"),
    "components.input.bucket_planning": ("make_plan",),
    "components.input.input_state": ("InputState",),
    "components.input.resume": ("assert_resumable",),
    "components.input.sequence_dataset": ("SequenceDataset", "make_dataset"),
    "components.input.sequence_input": ("SequenceInput",),
    "components.network.network": ("build_network",),
    "components.network.network_inputs": ("Network", "NetworkInputs"),
    "components.network.pooling": ("MaskedPooling1D",),
    "components.prepared.prepared_input": ("PreparedStore",),
    "components.rows.frames": ("RowRecords", "records_from_rows"),
    "components.rows.ingestion": ("write_records",),
    "components.rows.proposed_rows": ("propose_rows",),
    "components.rows.synthesis": ("synthesize",),
    "components.serving.loaded_model": ("LoadedModel", "load_model"),
    "components.serving.requests": ("make_predict_request", "make_rest_body", "make_tensors", "serialize_rows"),
    "errors": ("DataError", "SpecError", "TfxSequencesError", "UserInputError"),
    "pipeline.cloud.compilation": ("compile_pipeline",),
    "pipeline.create": ("create_pipeline",),
    "pipeline.local.fitted": ("FitResult", "fit"),
    "schemas.columns.column": (
        "Alignment",
        "BucketizedColumn",
        "CategoricalColumn",
        "Embedding",
        "NumericColumn",
        "Scaling",
        "TimeColumn",
        "TextColumn",
        "Vocabulary",
        "ZScoreBy",
    ),
    "schemas.columns.crossed_columns": ("CrossedColumn", "crossed_column", "sequence_crossed_column"),
    "schemas.columns.feature_columns": (
        "bucketized_column",
        "categorical_column_with_hash_bucket",
        "categorical_column_with_identity",
        "categorical_column_with_vocabulary",
        "categorical_column_with_vocabulary_file",
        "categorical_column_with_vocabulary_list",
        "numeric_column",
        "sequence_bucketized_column",
        "sequence_categorical_column_with_hash_bucket",
        "sequence_categorical_column_with_identity",
        "sequence_categorical_column_with_vocabulary",
        "sequence_categorical_column_with_vocabulary_file",
        "sequence_categorical_column_with_vocabulary_list",
        "sequence_numeric_column",
        "sequence_text_column",
        "text_column",
    ),
    "schemas.columns.representations": (
        "embedding_column",
        "indicator_column",
        "shared_embedding_columns",
        "weighted_categorical_column",
    ),
    "schemas.features.parse_specs": ("make_parse_example_spec", "make_parse_sequence_example_spec"),
    "schemas.features.tfmd": ("make_schema",),
    "schemas.migration.migrated_columns": ("from_feature_columns",),
    "schemas.proposal.propose": ("propose_spec",),
    "schemas.spec.deployment": ("Deployment",),
    "schemas.spec.sequence_spec": ("SequenceSpec",),
    "schemas.spec.spec_io": ("fingerprint", "json_schema", "load_spec", "spec_from_yaml", "spec_to_yaml"),
}
_MODULES = {name: "tfx_sequences." + module for module, names in _PUBLIC.items() for name in names}
__all__ = sorted(_MODULES)


def __getattr__(name):
    import importlib

    if name in _MODULES:
        value = getattr(importlib.import_module(_MODULES[name]), name)
        globals()[name] = value
        return value
    # Introspection asks for dunder names that modules do not have; those do not need a suggestion.
    if name.startswith("__"):
        raise AttributeError(name)
    from tfx_sequences.errors import did_you_mean

    hint = did_you_mean(name, __all__)
    raise AttributeError("module 'tfx_sequences' has no attribute '{}'.{}".format(name, hint))


def __dir__():
    return sorted(set(globals()) | set(__all__))
