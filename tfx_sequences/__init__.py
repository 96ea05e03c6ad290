"""Sequence models on TFX, from one declaration: records, transforms, batches, model, evaluation, serving.

The public names are loaded when first used, so `import tfx_sequences` is quick
and imports neither TensorFlow nor TFX.

>>> from tfx_sequences import load_spec
>>> load_spec("japanese_vowels").name
'japanese_vowels'
"""

# Every Python must be able to parse this module and __main__: no annotations, no f-strings.

__version__ = "0.1.0"

__all__ = [
    "BucketizedColumn",
    "CategoricalColumn",
    "ContextFeatures",
    "DataError",
    "Deployment",
    "Embedding",
    "EmbeddingTables",
    "LoadedModel",
    "Network",
    "NetworkInputs",
    "NumericColumn",
    "Scaling",
    "SequenceFeatures",
    "SequenceSpec",
    "SpecError",
    "TextColumn",
    "TfxSequencesError",
    "UserInputError",
    "Vocabulary",
    "assert_resumable",
    "bucketized_column",
    "build_network",
    "categorical_column_with_hash_bucket",
    "categorical_column_with_identity",
    "categorical_column_with_vocabulary",
    "categorical_column_with_vocabulary_file",
    "categorical_column_with_vocabulary_list",
    "compile_pipeline",
    "create_pipeline",
    "embedding_column",
    "fingerprint",
    "from_feature_columns",
    "indicator_column",
    "json_schema",
    "load_model",
    "load_sequence_features_weights",
    "load_spec",
    "make_parse_example_spec",
    "make_parse_sequence_example_spec",
    "make_predict_request",
    "make_rest_body",
    "make_schema",
    "make_tensors",
    "numeric_column",
    "propose_spec",
    "sequence_bucketized_column",
    "sequence_categorical_column_with_hash_bucket",
    "sequence_categorical_column_with_identity",
    "sequence_categorical_column_with_vocabulary",
    "sequence_categorical_column_with_vocabulary_file",
    "sequence_categorical_column_with_vocabulary_list",
    "sequence_numeric_column",
    "sequence_text_column",
    "serialize_rows",
    "shared_embedding_columns",
    "spec_from_yaml",
    "spec_to_yaml",
    "text_column",
]

TYPE_CHECKING = False  # Type checkers take it for true, and importing typing for it would cost time.
if TYPE_CHECKING:
    from tfx_sequences.components.features.embedding_tables import EmbeddingTables
    from tfx_sequences.components.features.feature_column_weights import load_sequence_features_weights
    from tfx_sequences.components.features.sequence_features import ContextFeatures, SequenceFeatures
    from tfx_sequences.components.input.resume import assert_resumable
    from tfx_sequences.components.network.network import build_network
    from tfx_sequences.components.network.network_inputs import Network, NetworkInputs
    from tfx_sequences.components.serving.loaded_model import LoadedModel, load_model
    from tfx_sequences.components.serving.requests import (
        make_predict_request,
        make_rest_body,
        make_tensors,
        serialize_rows,
    )
    from tfx_sequences.errors import DataError, SpecError, TfxSequencesError, UserInputError
    from tfx_sequences.pipeline.cloud.compilation import compile_pipeline
    from tfx_sequences.pipeline.create import create_pipeline
    from tfx_sequences.schemas.columns.column import (
        BucketizedColumn,
        CategoricalColumn,
        Embedding,
        NumericColumn,
        Scaling,
        TextColumn,
        Vocabulary,
    )
    from tfx_sequences.schemas.columns.feature_columns import (
        bucketized_column,
        categorical_column_with_hash_bucket,
        categorical_column_with_identity,
        categorical_column_with_vocabulary,
        categorical_column_with_vocabulary_file,
        categorical_column_with_vocabulary_list,
        numeric_column,
        sequence_bucketized_column,
        sequence_categorical_column_with_hash_bucket,
        sequence_categorical_column_with_identity,
        sequence_categorical_column_with_vocabulary,
        sequence_categorical_column_with_vocabulary_file,
        sequence_categorical_column_with_vocabulary_list,
        sequence_numeric_column,
        sequence_text_column,
        text_column,
    )
    from tfx_sequences.schemas.columns.representations import (
        embedding_column,
        indicator_column,
        shared_embedding_columns,
    )
    from tfx_sequences.schemas.features.parse_specs import make_parse_example_spec, make_parse_sequence_example_spec
    from tfx_sequences.schemas.features.tfmd import make_schema
    from tfx_sequences.schemas.migration.migrated_columns import from_feature_columns
    from tfx_sequences.schemas.proposal.propose import propose_spec
    from tfx_sequences.schemas.spec.deployment import Deployment
    from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec
    from tfx_sequences.schemas.spec.spec_io import fingerprint, json_schema, load_spec, spec_from_yaml, spec_to_yaml

_MODULES = {
    "BucketizedColumn": "tfx_sequences.schemas.columns.column",
    "CategoricalColumn": "tfx_sequences.schemas.columns.column",
    "ContextFeatures": "tfx_sequences.components.features.sequence_features",
    "DataError": "tfx_sequences.errors",
    "Deployment": "tfx_sequences.schemas.spec.deployment",
    "Embedding": "tfx_sequences.schemas.columns.column",
    "EmbeddingTables": "tfx_sequences.components.features.embedding_tables",
    "LoadedModel": "tfx_sequences.components.serving.loaded_model",
    "Network": "tfx_sequences.components.network.network_inputs",
    "NetworkInputs": "tfx_sequences.components.network.network_inputs",
    "NumericColumn": "tfx_sequences.schemas.columns.column",
    "Scaling": "tfx_sequences.schemas.columns.column",
    "SequenceFeatures": "tfx_sequences.components.features.sequence_features",
    "SequenceSpec": "tfx_sequences.schemas.spec.sequence_spec",
    "SpecError": "tfx_sequences.errors",
    "TextColumn": "tfx_sequences.schemas.columns.column",
    "TfxSequencesError": "tfx_sequences.errors",
    "UserInputError": "tfx_sequences.errors",
    "Vocabulary": "tfx_sequences.schemas.columns.column",
    "assert_resumable": "tfx_sequences.components.input.resume",
    "bucketized_column": "tfx_sequences.schemas.columns.feature_columns",
    "build_network": "tfx_sequences.components.network.network",
    "categorical_column_with_hash_bucket": "tfx_sequences.schemas.columns.feature_columns",
    "categorical_column_with_identity": "tfx_sequences.schemas.columns.feature_columns",
    "categorical_column_with_vocabulary": "tfx_sequences.schemas.columns.feature_columns",
    "categorical_column_with_vocabulary_file": "tfx_sequences.schemas.columns.feature_columns",
    "categorical_column_with_vocabulary_list": "tfx_sequences.schemas.columns.feature_columns",
    "compile_pipeline": "tfx_sequences.pipeline.cloud.compilation",
    "create_pipeline": "tfx_sequences.pipeline.create",
    "embedding_column": "tfx_sequences.schemas.columns.representations",
    "fingerprint": "tfx_sequences.schemas.spec.spec_io",
    "from_feature_columns": "tfx_sequences.schemas.migration.migrated_columns",
    "indicator_column": "tfx_sequences.schemas.columns.representations",
    "json_schema": "tfx_sequences.schemas.spec.spec_io",
    "load_model": "tfx_sequences.components.serving.loaded_model",
    "load_sequence_features_weights": "tfx_sequences.components.features.feature_column_weights",
    "load_spec": "tfx_sequences.schemas.spec.spec_io",
    "make_parse_example_spec": "tfx_sequences.schemas.features.parse_specs",
    "make_parse_sequence_example_spec": "tfx_sequences.schemas.features.parse_specs",
    "make_predict_request": "tfx_sequences.components.serving.requests",
    "make_rest_body": "tfx_sequences.components.serving.requests",
    "make_schema": "tfx_sequences.schemas.features.tfmd",
    "make_tensors": "tfx_sequences.components.serving.requests",
    "numeric_column": "tfx_sequences.schemas.columns.feature_columns",
    "propose_spec": "tfx_sequences.schemas.proposal.propose",
    "sequence_bucketized_column": "tfx_sequences.schemas.columns.feature_columns",
    "sequence_categorical_column_with_hash_bucket": "tfx_sequences.schemas.columns.feature_columns",
    "sequence_categorical_column_with_identity": "tfx_sequences.schemas.columns.feature_columns",
    "sequence_categorical_column_with_vocabulary": "tfx_sequences.schemas.columns.feature_columns",
    "sequence_categorical_column_with_vocabulary_file": "tfx_sequences.schemas.columns.feature_columns",
    "sequence_categorical_column_with_vocabulary_list": "tfx_sequences.schemas.columns.feature_columns",
    "sequence_numeric_column": "tfx_sequences.schemas.columns.feature_columns",
    "sequence_text_column": "tfx_sequences.schemas.columns.feature_columns",
    "serialize_rows": "tfx_sequences.components.serving.requests",
    "shared_embedding_columns": "tfx_sequences.schemas.columns.representations",
    "spec_from_yaml": "tfx_sequences.schemas.spec.spec_io",
    "spec_to_yaml": "tfx_sequences.schemas.spec.spec_io",
    "text_column": "tfx_sequences.schemas.columns.feature_columns",
}


def __getattr__(name):
    import importlib

    if name in _MODULES:
        value = getattr(importlib.import_module(_MODULES[name]), name)
        globals()[name] = value
        return value
    # Introspection asks for dunders that no module has; those need no suggestion.
    if name.startswith("__"):
        raise AttributeError(name)
    from tfx_sequences.errors import did_you_mean

    hint = did_you_mean(name, __all__)
    raise AttributeError("module 'tfx_sequences' has no attribute '{}'.{}".format(name, hint))


def __dir__():
    return sorted(set(globals()) | set(__all__))
