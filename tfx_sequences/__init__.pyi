# Written by scripts/public_names.py, for type checkers.

from tfx_sequences.components.evaluation.evaluate import evaluate_model as evaluate_model
from tfx_sequences.components.features.embedding_tables import EmbeddingTables as EmbeddingTables
from tfx_sequences.components.features.feature_column_weights import (
    load_sequence_features_weights as load_sequence_features_weights,
)
from tfx_sequences.components.features.sequence_features import ContextFeatures as ContextFeatures
from tfx_sequences.components.features.sequence_features import SequenceFeatures as SequenceFeatures
from tfx_sequences.components.input.bucket_planning import make_plan as make_plan
from tfx_sequences.components.input.input_state import InputState as InputState
from tfx_sequences.components.input.resume import assert_resumable as assert_resumable
from tfx_sequences.components.input.sequence_dataset import SequenceDataset as SequenceDataset
from tfx_sequences.components.input.sequence_dataset import make_dataset as make_dataset
from tfx_sequences.components.input.sequence_input import SequenceInput as SequenceInput
from tfx_sequences.components.network.network import build_network as build_network
from tfx_sequences.components.network.network_inputs import Network as Network
from tfx_sequences.components.network.network_inputs import NetworkInputs as NetworkInputs
from tfx_sequences.components.network.pooling import MaskedPooling1D as MaskedPooling1D
from tfx_sequences.components.prepared.prepared_input import PreparedStore as PreparedStore
from tfx_sequences.components.rows.frames import RowRecords as RowRecords
from tfx_sequences.components.rows.frames import records_from_rows as records_from_rows
from tfx_sequences.components.rows.ingestion import write_records as write_records
from tfx_sequences.components.rows.proposed_rows import propose_rows as propose_rows
from tfx_sequences.components.rows.synthesis import synthesize as synthesize
from tfx_sequences.components.serving.loaded_model import LoadedModel as LoadedModel
from tfx_sequences.components.serving.loaded_model import load_model as load_model
from tfx_sequences.components.serving.requests import make_predict_request as make_predict_request
from tfx_sequences.components.serving.requests import make_rest_body as make_rest_body
from tfx_sequences.components.serving.requests import make_tensors as make_tensors
from tfx_sequences.components.serving.requests import serialize_rows as serialize_rows
from tfx_sequences.errors import DataError as DataError
from tfx_sequences.errors import SpecError as SpecError
from tfx_sequences.errors import TfxSequencesError as TfxSequencesError
from tfx_sequences.errors import UserInputError as UserInputError
from tfx_sequences.pipeline.cloud.compilation import compile_pipeline as compile_pipeline
from tfx_sequences.pipeline.create import create_pipeline as create_pipeline
from tfx_sequences.pipeline.local.fitted import FitResult as FitResult
from tfx_sequences.pipeline.local.fitted import fit as fit
from tfx_sequences.schemas.columns.column import Alignment as Alignment
from tfx_sequences.schemas.columns.column import BucketizedColumn as BucketizedColumn
from tfx_sequences.schemas.columns.column import CategoricalColumn as CategoricalColumn
from tfx_sequences.schemas.columns.column import Embedding as Embedding
from tfx_sequences.schemas.columns.column import NumericColumn as NumericColumn
from tfx_sequences.schemas.columns.column import Scaling as Scaling
from tfx_sequences.schemas.columns.column import TextColumn as TextColumn
from tfx_sequences.schemas.columns.column import TimeColumn as TimeColumn
from tfx_sequences.schemas.columns.column import Vocabulary as Vocabulary
from tfx_sequences.schemas.columns.column import ZScoreBy as ZScoreBy
from tfx_sequences.schemas.columns.crossed_columns import CrossedColumn as CrossedColumn
from tfx_sequences.schemas.columns.crossed_columns import crossed_column as crossed_column
from tfx_sequences.schemas.columns.crossed_columns import sequence_crossed_column as sequence_crossed_column
from tfx_sequences.schemas.columns.feature_columns import bucketized_column as bucketized_column
from tfx_sequences.schemas.columns.feature_columns import (
    categorical_column_with_hash_bucket as categorical_column_with_hash_bucket,
)
from tfx_sequences.schemas.columns.feature_columns import (
    categorical_column_with_identity as categorical_column_with_identity,
)
from tfx_sequences.schemas.columns.feature_columns import (
    categorical_column_with_vocabulary as categorical_column_with_vocabulary,
)
from tfx_sequences.schemas.columns.feature_columns import (
    categorical_column_with_vocabulary_file as categorical_column_with_vocabulary_file,
)
from tfx_sequences.schemas.columns.feature_columns import (
    categorical_column_with_vocabulary_list as categorical_column_with_vocabulary_list,
)
from tfx_sequences.schemas.columns.feature_columns import numeric_column as numeric_column
from tfx_sequences.schemas.columns.feature_columns import sequence_bucketized_column as sequence_bucketized_column
from tfx_sequences.schemas.columns.feature_columns import (
    sequence_categorical_column_with_hash_bucket as sequence_categorical_column_with_hash_bucket,
)
from tfx_sequences.schemas.columns.feature_columns import (
    sequence_categorical_column_with_identity as sequence_categorical_column_with_identity,
)
from tfx_sequences.schemas.columns.feature_columns import (
    sequence_categorical_column_with_vocabulary as sequence_categorical_column_with_vocabulary,
)
from tfx_sequences.schemas.columns.feature_columns import (
    sequence_categorical_column_with_vocabulary_file as sequence_categorical_column_with_vocabulary_file,
)
from tfx_sequences.schemas.columns.feature_columns import (
    sequence_categorical_column_with_vocabulary_list as sequence_categorical_column_with_vocabulary_list,
)
from tfx_sequences.schemas.columns.feature_columns import sequence_numeric_column as sequence_numeric_column
from tfx_sequences.schemas.columns.feature_columns import sequence_text_column as sequence_text_column
from tfx_sequences.schemas.columns.feature_columns import text_column as text_column
from tfx_sequences.schemas.columns.representations import embedding_column as embedding_column
from tfx_sequences.schemas.columns.representations import indicator_column as indicator_column
from tfx_sequences.schemas.columns.representations import shared_embedding_columns as shared_embedding_columns
from tfx_sequences.schemas.columns.representations import weighted_categorical_column as weighted_categorical_column
from tfx_sequences.schemas.features.parse_specs import make_parse_example_spec as make_parse_example_spec
from tfx_sequences.schemas.features.parse_specs import (
    make_parse_sequence_example_spec as make_parse_sequence_example_spec,
)
from tfx_sequences.schemas.features.tfmd import make_schema as make_schema
from tfx_sequences.schemas.migration.migrated_columns import from_feature_columns as from_feature_columns
from tfx_sequences.schemas.proposal.propose import propose_spec as propose_spec
from tfx_sequences.schemas.spec.deployment import Deployment as Deployment
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec as SequenceSpec
from tfx_sequences.schemas.spec.spec_io import fingerprint as fingerprint
from tfx_sequences.schemas.spec.spec_io import json_schema as json_schema
from tfx_sequences.schemas.spec.spec_io import load_spec as load_spec
from tfx_sequences.schemas.spec.spec_io import spec_from_yaml as spec_from_yaml
from tfx_sequences.schemas.spec.spec_io import spec_to_yaml as spec_to_yaml
from tfx_sequences.version import __version__ as __version__
