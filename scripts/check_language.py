"""Checks that texts are plain English: python scripts/check_language.py

Reads docstrings, comments and strings of the package, its templates, and the pages for people who work on it.
"""

from __future__ import annotations

import ast
import io
import itertools
import re
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]

_COMPARED = r"(?:longer|more|less|fewer|larger|greater|better|worse|different)\b"
# What is not written, and what is written instead.
WORDS = {
    r"\bbehind\b(?! (?:a|the) (?:proxy|firewall))": "after",
    r"\b[Mm]end(?:s|ed|ing)?\b": "fix, correct",
    r"\btold by\b": "determined by, known from",
    r"\bso many\b": "that many, this number of",
    rf"(?<!here)\s(?:is|are|was|were) no\b(?! {_COMPARED})": "is not a, are not",
    r"\b(?:has|have|had) not (?:the|a|an|any|all|enough|as|so|\d+)\b": "does not have",
    r"\b(?:go|goes|going|went|gone) on\b": "resume, continue",
    r"\bOf\b": "a sentence that begins with its subject",
    r"\banew\b": "again",
    r"\btheirs\b": "a noun",
    r"\b(?:is|are|was|were) to be\b": "must be",
    r", for (?:it|they|that|this|there|these|those|he|we)\b": ", because",
    r"\bone of (?:another|other)\b": "a different one, that of another",
    r"\b(?:is|are|was|were) (?:not there|there already)\b": "does not exist, exists already",
    r"\bas of (?=`)": "as returned by, as in",
    r"\b(?:is|are) none\b(?! of)": "a noun: is not a ..., there is no ...",
}
_OFF, _ON = "<!-- language: off -->", "<!-- language: on -->"


def files() -> list[Path]:
    """Every file whose texts are checked."""
    package = ROOT / "tfx_sequences"
    found = [p for p in package.rglob("*") if p.suffix == ".py" or p.parent.name == "templates"]
    pages = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")]
    return sorted([*found, *pages, ROOT / "docs" / "architecture.md"])


def problems(path: Path) -> Iterator[tuple[int, str, str]]:
    """Line, words and advice for each text that is not plain."""
    content = path.read_text("utf-8")
    for first, last, text in _of_python(content) if path.suffix == ".py" else _of_page(path, content):
        for pattern, advice in WORDS.items():
            for match in re.finditer(pattern.replace(" ", r"\s+"), text):
                line = min(first + text.count("\n", 0, match.start()), last)
                yield line, " ".join(match[0].split()), advice


def _of_page(path: Path, content: str) -> Iterator[tuple[int, int, str]]:
    """First line, last line and text, without code; of a changelog, the topmost section."""
    if path.name == "CHANGELOG.md":
        content = "".join(re.split(r"(?m)(^## )", content)[:3])
    for pattern in (f"{_OFF}.*?{_ON}", r"```.*?```", r"`[^`\n]+`"):
        content = re.sub(pattern, _blank, content, flags=re.S)
    yield 1, content.count("\n") + 1, content


def _of_python(content: str) -> Iterator[tuple[int, int, str]]:
    """First line, last line and text of docstrings and strings of several words, and of comments."""
    tree = ast.parse(content)
    joined = [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)]
    parts = {id(part) for node in joined for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            text = "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts:
            text = re.sub(r"(?m)^\s*(?:>>>|\.\.\.) .*$", "", node.value)
        else:
            continue
        if " " in text.strip():
            yield node.lineno, node.end_lineno or node.lineno, re.sub(r"`[^`\n]+`", _blank, text)
    comments = [t for t in tokenize.generate_tokens(io.StringIO(content).readline) if t.type == tokenize.COMMENT]
    # Lines that follow one another are one text.
    for _, lines in itertools.groupby(enumerate(comments), lambda pair: pair[1].start[0] - pair[0]):
        block = [comment for _, comment in lines]
        text = "\n".join(comment.string.lstrip("# ") for comment in block)
        yield block[0].start[0], block[-1].start[0], re.sub(r"`[^`\n]+`", _blank, text)


def _blank(match: re.Match[str]) -> str:
    """As many lines as the match, and a backtick to see that there was code."""
    return "`" + "\n" * match[0].count("\n") + "`"


def main() -> int:
    """Prints what is wrong and returns the exit code."""
    lines = [
        f"{path.relative_to(ROOT)}:{line}: '{words}'. Write: {advice}."
        for path in files()
        for line, words, advice in problems(path)
    ]
    if lines:
        lines.append("See Language in CONTRIBUTING.md.")
    print("\n".join(lines), end="\n" * bool(lines))
    return int(bool(lines))


if __name__ == "__main__":
    sys.exit(main())
