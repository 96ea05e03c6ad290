"""Settings that are left to the data."""

import pytest

from tfx_sequences.schemas.columns.auto import AUTO, chosen


@pytest.mark.parametrize("value", [0, None, False, "mean", ()])
def test_what_was_chosen_is_given_back_whatever_it_is(value):
    assert chosen(value) is value


def test_what_was_not_chosen_is_an_error_of_the_caller():
    with pytest.raises(ValueError, match="with_auto_settings"):
        chosen(AUTO)
