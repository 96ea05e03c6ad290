"""Artifacts of TFX for the tests of components, each run alone."""

from tfx.types import channel_utils, standard_artifacts
from tfx.types.artifact_utils import encode_split_names
from tfx.utils import io_utils


def artifact(kind, uri, splits=None):
    """An artifact of a standard kind in a folder, with splits if there are any."""
    made = kind()
    made.uri = str(uri)
    if splits:
        made.split_names = encode_split_names(list(splits))
    return made


def write_schema(folder, schema):
    """A schema in its file, and the artifact."""
    io_utils.write_pbtxt_file(str(folder / "schema.pbtxt"), schema)
    return artifact(standard_artifacts.Schema, folder)


def standard_channel(value):
    """A channel of one artifact."""
    return channel_utils.as_channel([value])
