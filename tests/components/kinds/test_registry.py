import pytest

from tfx_sequences.components.kinds import registry
from tfx_sequences.components.kinds.regression import Regression
from tfx_sequences.errors import SpecError
from tfx_sequences.schemas.kinds import registry as declared_registry
from tfx_sequences.schemas.kinds.regression import DeclaredRegression
from tfx_sequences.schemas.spec.label import Label


class _DeclaredCounts(DeclaredRegression):
    name = "counts"


class _Counts(Regression):
    declared = _DeclaredCounts()


class _OtherCounts(_Counts):
    pass


@pytest.fixture(autouse=True)
def _as_it_was(monkeypatch):
    for each in (registry, declared_registry):
        monkeypatch.setattr(each, "_KINDS", dict(each._KINDS))


def test_every_kind_that_is_declared_is_computed_by_the_kind_of_its_name():
    assert tuple(registry._KINDS) == declared_registry.kind_names()
    for name, kind in registry._KINDS.items():
        assert type(kind.declared) is type(declared_registry.kind_named(name))


def test_one_registration_declares_and_computes():
    kind = _Counts()
    registry.register(kind)
    registry.register(_Counts())
    assert registry.kind_of(Label(key="y", type="counts")) is kind
    with pytest.raises(ValueError, match="called 'counts' exists already: _Counts"):
        registry.register(_OtherCounts())


def test_what_is_only_declared_says_what_is_missing():
    declared_registry.declare(_DeclaredCounts())
    with pytest.raises(SpecError, match=r"Labels of type 'counts' are declared, but not implemented"):
        registry.kind_of(Label(key="y", type="counts"))
