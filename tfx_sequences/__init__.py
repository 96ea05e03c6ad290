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
    "CategoricalColumn",
    "DataError",
    "Embedding",
    "NumericColumn",
    "SequenceFeatures",
    "SequenceSpec",
    "SpecError",
    "TfxSequencesError",
    "UserInputError",
    "Vocabulary",
    "assert_resumable",
    "create_pipeline",
    "fingerprint",
    "json_schema",
    "load_spec",
    "spec_from_yaml",
    "spec_to_yaml",
]

TYPE_CHECKING = False  # Type checkers take it for true, and importing typing for it would cost time.
if TYPE_CHECKING:
    from tfx_sequences.components.resume import assert_resumable
    from tfx_sequences.components.sequence_features import SequenceFeatures
    from tfx_sequences.errors import DataError, SpecError, TfxSequencesError, UserInputError
    from tfx_sequences.pipeline.create import create_pipeline
    from tfx_sequences.schemas.columns import CategoricalColumn, Embedding, NumericColumn, Vocabulary
    from tfx_sequences.schemas.spec import SequenceSpec
    from tfx_sequences.schemas.spec_io import fingerprint, json_schema, load_spec, spec_from_yaml, spec_to_yaml

_MODULES = {
    "CategoricalColumn": "tfx_sequences.schemas.columns",
    "DataError": "tfx_sequences.errors",
    "Embedding": "tfx_sequences.schemas.columns",
    "NumericColumn": "tfx_sequences.schemas.columns",
    "SequenceFeatures": "tfx_sequences.components.sequence_features",
    "SequenceSpec": "tfx_sequences.schemas.spec",
    "SpecError": "tfx_sequences.errors",
    "TfxSequencesError": "tfx_sequences.errors",
    "UserInputError": "tfx_sequences.errors",
    "Vocabulary": "tfx_sequences.schemas.columns",
    "assert_resumable": "tfx_sequences.components.resume",
    "create_pipeline": "tfx_sequences.pipeline.create",
    "fingerprint": "tfx_sequences.schemas.spec_io",
    "json_schema": "tfx_sequences.schemas.spec_io",
    "load_spec": "tfx_sequences.schemas.spec_io",
    "spec_from_yaml": "tfx_sequences.schemas.spec_io",
    "spec_to_yaml": "tfx_sequences.schemas.spec_io",
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
