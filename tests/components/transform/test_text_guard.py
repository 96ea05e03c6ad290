import pytest
import tensorflow as tf

from tests.everything import analyzed
from tfx_sequences.components.transform.text_guard import require_text
from tfx_sequences.errors import UserInputError
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


def test_any_text_passes_and_other_bytes_are_told():
    terms = tf.constant(["", "a\0b\n", "日本", "🙂"])
    assert require_text(terms, "x").numpy().tolist() == terms.numpy().tolist()
    with pytest.raises(UserInputError, match=r"'x' contains bytes that are not text"):
        require_text(tf.constant([b"a", b"\xff\xd8"]), "x")


def test_transform_refuses_a_vocabulary_of_blobs(tmp_path):
    spec = SequenceSpec(name="s", sequence={"rgb": {"type": "categorical"}}, label={"key": "y", "classes": ("a", "b")})
    steps = [bytes(range(100, 200))]
    with pytest.raises(Exception, match=r"sequence.rgb\W+ contains bytes that are not text"):
        analyzed(spec, [({"y": "a"}, {"rgb": steps})], tmp_path)
