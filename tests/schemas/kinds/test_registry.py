import pytest

from tfx_sequences.schemas.kinds import registry
from tfx_sequences.schemas.kinds.regression import DeclaredRegression
from tfx_sequences.schemas.spec.label import Label


class _Counts(DeclaredRegression):
    name = "counts"


class _OtherCounts(DeclaredRegression):
    name = "counts"


@pytest.fixture
def kinds(monkeypatch):
    """The registry, as it was before afterwards."""
    monkeypatch.setattr(registry, "_KINDS", dict(registry._KINDS))
    return registry


def test_a_kind_that_is_declared_may_be_written_in_a_spec(kinds):
    with pytest.raises(ValueError, match=r"Input should be 'classification', .* or 'forecast'"):
        Label(key="y", type="counts")
    kinds.declare(_Counts())
    kinds.declare(_Counts())
    assert isinstance(Label(key="y", type="counts").kind, _Counts)
    assert kinds.kind_names()[-1] == "counts"


def test_a_name_is_that_of_one_kind(kinds):
    kinds.declare(_Counts())
    with pytest.raises(ValueError, match="a kind of label called 'counts' exists already: _Counts"):
        kinds.declare(_OtherCounts())


@pytest.mark.parametrize("name", ["poetry", None, 3, ["regression"]])
def test_what_is_not_a_name_names_no_kind(name):
    assert registry.declared_kind(name) is None
