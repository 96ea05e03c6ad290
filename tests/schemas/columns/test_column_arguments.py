"""Arguments of `tf.feature_column`'s builders as columns."""

import numpy as np
import pytest

from tfx_sequences.errors import SpecError
from tfx_sequences.schemas.columns.column_arguments import make_bucketized, make_filed, make_listed, make_numeric


def numeric(**fields):
    given = {"shape": 1, "default_value": None, "dtype": "float32", "normalizer": None, "clip": None, **fields}
    return make_numeric("x", **given)


def test_shapes_and_defaults_come_as_python_has_them():
    assert numeric(shape=3).shape == (3,) and numeric(shape=[2, 2]).shape == (2, 2)
    assert numeric(default_value=np.float64(2)).default_value == 2.0
    assert numeric().normalizer == "none"
    with pytest.raises(SpecError, match="default_value that is not a number"):
        numeric(default_value=[1.0, 2.0])


@pytest.mark.parametrize(
    ("dtype", "stored"), [(np.float64, "float32"), ("int32", "int64"), (np.dtype("int64"), "int64")]
)
def test_dtypes_are_those_that_records_store(dtype, stored):
    assert numeric(dtype=dtype).dtype == stored


def test_buckets_need_plain_numbers_of_the_same_place():
    column = make_bucketized(numeric(), [1, 2.5], is_sequence=False)
    assert column.boundaries == (1.0, 2.5)
    for source, of_steps in ((numeric(), True), (numeric(normalizer="z_score"), False), ("x", False)):
        with pytest.raises(SpecError, match="Only numbers without a normalizer"):
            make_bucketized(source, [1.0], is_sequence=of_steps)


def test_terms_say_their_dtype():
    def listed(terms, **fields):
        return make_listed(**{"key": "x", "is_sequence": False, "multi_valued": False, "terms": terms, **fields})

    plain = {"dtype": None, "default_value": -1, "oov": 0}
    assert listed([b"a", "b"], **plain).vocabulary_list == ("a", "b")
    assert listed(np.array([3, 4]), **plain).term_dtype == "int64"
    with pytest.raises(SpecError, match="two ids"):
        listed(["a"], dtype=None, default_value=0, oov=1)


def test_files_of_terms_give_unknown_ones_no_id_by_default():
    column = make_filed("x", False, False, "terms.txt", None, 0, None, "string")
    assert (column.default_value, column.oov_buckets) == (-1, 0)
