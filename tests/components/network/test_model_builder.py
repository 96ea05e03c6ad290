import pytest

from tfx_sequences.components.network.model_builder import load_builder
from tfx_sequences.errors import SpecError


@pytest.fixture
def package(tmp_path, monkeypatch):
    folder = tmp_path / "their_networks"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "small.py").write_text("def build(*arguments):\n    return arguments\n\nSIZE = 3\n")
    (folder / "broken.py").write_text("1 / 0\n")
    (folder / "needy.py").write_text("import a_package_that_is_nowhere\n")
    monkeypatch.syspath_prepend(tmp_path)


def test_the_function_of_the_path_is_given(package):
    assert load_builder("their_networks.small.build")(1, 2) == (1, 2)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("nowhere_at_all.build", r"no module 'nowhere_at_all'[\s\S]*PYTHONPATH"),
        ("their_networks.smal.build", r"no module 'their_networks\.smal'[\s\S]*Did you mean 'small'"),
        ("their_networks.small.biuld", r"has no 'biuld'[\s\S]*Did you mean 'build'"),
        ("their_networks.small.SIZE", r"SIZE is no function[\s\S]*received: int"),
        ("their_networks.broken.build", r"importing their_networks\.broken failed: ZeroDivisionError"),
        ("their_networks.needy.build", r"importing their_networks\.needy failed: .*a_package_that_is_nowhere"),
    ],
)
def test_a_path_that_leads_nowhere_is_an_error_that_says_where_it_ends(package, path, message):
    with pytest.raises(SpecError, match=message):
        load_builder(path)
