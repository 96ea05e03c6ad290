"""The word list finds what it names, where it names it, and nothing in code."""

import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "scripts" / "check_language.py"


@pytest.fixture(scope="module")
def check_language():
    module_spec = importlib.util.spec_from_file_location("check_language", SCRIPT)
    module = importlib.util.module_from_spec(module_spec)
    module_spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("What stands behind it.", ["behind"]),
        ("Run it behind a proxy.", []),
        ("Mend it.", ["Mend"]),
        ("It is no function.", ["is no"]),
        ("There is no function.", []),
        ("It is no longer than 3.", []),
        ("It has not the 3 values.", ["has not the"]),
        ("Of each, the rank.", ["Of"]),
        ("The rank of each.", []),
        ("It goes on where it was.", ["goes on"]),
        ("It is empty, for it\n    was cut.", [", for it"]),
        ("Inputs as of `pad_features`.", ["as of"]),
        ("A `behind` in code.", []),
    ],
)
def test_words_are_found_in_docstrings_comments_strings_and_pages(check_language, tmp_path, text, words):
    comment = "\n".join(f"# {line.strip()}" for line in text.splitlines())
    for name, content in {
        "docstring.py": f'def f():\n    """First line.\n\n    {text}\n    """\n',
        "comment.py": f"x = 1\n{comment}\n",
        "string.py": f'x = f"""{{1 + 1}} and {text} """\n',
        "page.md": f"# Title\n\n{text}\n",
    }.items():
        (tmp_path / name).write_text(content)
        assert [found for _, found, _ in check_language.problems(tmp_path / name)] == words, name


def test_code_is_not_read(check_language, tmp_path):
    (tmp_path / "a.py").write_text(
        'def f():\n    """Title.\n\n    >>> mend = behind(1)\n    """\n    return mend(behind)\n'
    )
    (tmp_path / "a.md").write_text("```\nmend it\n```\n")
    assert not [*check_language.problems(tmp_path / "a.py"), *check_language.problems(tmp_path / "a.md")]


def test_lines_are_those_of_the_file(check_language, tmp_path):
    (tmp_path / "a.py").write_text(
        '"""Title.\n\nMend it.\n"""\n\n# Fine.\n# This is no\n# function.\nx = "so many words"\n'
    )
    found = sorted(check_language.problems(tmp_path / "a.py"))
    assert [(line, words) for line, words, _ in found] == [(3, "Mend"), (7, "is no"), (9, "so many")]


def test_of_a_changelog_the_topmost_section_counts(check_language, tmp_path):
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n## New\n\nMend.\n\n## Old\n\nMend.\n")
    assert [line for line, _, _ in check_language.problems(tmp_path / "CHANGELOG.md")] == [5]


def test_a_file_that_is_not_clean_is_an_error(check_language, tmp_path, monkeypatch, capsys):
    package = tmp_path / "tfx_sequences"
    package.mkdir()
    (package / "a.py").write_text("# Mend it.\n")
    monkeypatch.setattr(check_language, "ROOT", tmp_path)
    monkeypatch.setattr(check_language, "files", lambda: sorted(package.glob("*.py")))
    assert check_language.main() == 1
    assert "tfx_sequences/a.py:1: 'Mend'. Write: fix, correct." in capsys.readouterr().out
    (package / "a.py").write_text("# Correct it.\n")
    assert check_language.main() == 0
    assert capsys.readouterr().out == ""
