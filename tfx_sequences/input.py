"""Records to padded batches, with TensorFlow alone: the public names of the input.

Start with `make_dataset`. The pages: docs/tf_data.md, docs/input.md and docs/prepared_store.md.

>>> from tfx_sequences.input import LengthHistogram, make_plan
>>> from tfx_sequences.schemas.spec.batching import Batching
>>> make_plan(LengthHistogram.of([3, 4, 4, 20, 21]), Batching(num_buckets=2, batch_size=9)).boundaries
(5,)
"""

from tfx_sequences.components.input.bucket_planning import make_plan as make_plan
from tfx_sequences.components.input.input_counts import InputCounts as InputCounts
from tfx_sequences.components.input.input_state import InputState as InputState
from tfx_sequences.components.input.length_counts import count_lengths as count_lengths
from tfx_sequences.components.input.record_formats import raw_records as raw_records
from tfx_sequences.components.input.record_formats import transformed_records as transformed_records
from tfx_sequences.components.input.sequence_dataset import SequenceDataset as SequenceDataset
from tfx_sequences.components.input.sequence_dataset import make_dataset as make_dataset
from tfx_sequences.components.input.sequence_input import SequenceInput as SequenceInput
from tfx_sequences.components.prepared.format import StoreIdentity as StoreIdentity
from tfx_sequences.components.prepared.format import folder_digest as folder_digest
from tfx_sequences.components.prepared.prepared_input import PreparedStore as PreparedStore
from tfx_sequences.components.prepared.store import write_prepared_store as write_prepared_store
from tfx_sequences.components.transform.length_histogram import LengthHistogram as LengthHistogram
from tfx_sequences.components.transform.length_histogram import read_histogram as read_histogram
from tfx_sequences.schemas.features.bucket_plan import BucketPlan as BucketPlan
