"""The protocol buffers of `tensorflow_metadata`, or one clear error where they are not installed."""

from __future__ import annotations

from tfx_sequences.compat import check_tensorflow_metadata

check_tensorflow_metadata()

from tensorflow_metadata.proto.v0 import schema_pb2 as schema_pb2  # noqa: E402
