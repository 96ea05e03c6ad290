"""YAML text as nodes that are safe to work with: no key twice, no aliases without end, no deep nesting."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import yaml

from tfx_sequences.errors import SpecError

_DEEPEST = 50
# A spec has some hundred values, or a long list of terms. Aliases of aliases multiply.
_MOST_VALUES = 1_000_000
_MERGE = "tag:yaml.org,2002:merge"


# What PyYAML raises for a date, a number or another scalar that its text is not.
_NO_VALUE = (ValueError, ArithmeticError, AttributeError, LookupError, TypeError)


class _Loader(yaml.SafeLoader):
    """Stops at the first level that is too deep, and takes every key as the text that is written."""

    levels = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self.levels += 1
        if self.levels > _DEEPEST:
            raise _TooDeepError(self.peek_event().start_mark.line + 1)
        node = super().compose_node(parent, index)
        self.levels -= 1
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except _NO_VALUE as error:
            # PyYAML does not say where.
            what = f"{node.value!r} is not a value of {node.tag.rpartition(':')[2]} ({error})"
            raise yaml.constructor.ConstructorError(None, None, what, node.start_mark) from error

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        # Names such as `1`, `yes` or `2020-01-01` are texts, and none of them is equal to another.
        self.flatten_mapping(node)
        return {key.value: self.construct_object(value, deep=deep) for key, value in node.value}


class _TooDeepError(Exception):
    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line


def compose(text: str, where: str) -> yaml.Node | None:
    """The root node of YAML text; None for an empty text.

    Args:
        text: The text.
        where: How errors name the text, usually its file.

    Raises:
        SpecError: It is not YAML, a mapping has a key twice, or the text is nested too deeply or grows too large.

    >>> compose("a: 1\\nb: 2\\na: 3\\n", "spec.yaml")
    Traceback (most recent call last):
      ...
    tfx_sequences.errors.SpecError: spec.yaml has the key 'a' twice in one mapping.
      expected: each key once
      received: 'a' in line 1 and in line 3
      fix:      Remove one of the two lines.
    """
    return _loaded(text, where, plain=False)[0]


def load(text: str, where: str) -> tuple[yaml.Node | None, Any]:
    """The root node of YAML text, and its plain data; keys are texts.

    Args:
        text: The text.
        where: How errors name the text, usually its file.

    Raises:
        SpecError: As `compose`; or a value does not exist, such as a date in February.

    >>> load("1: {yes: 2.5}", "spec.yaml")[1]
    {'1': {'yes': 2.5}}
    """
    return _loaded(text, where, plain=True)


def _loaded(text: str, where: str, *, plain: bool) -> tuple[yaml.Node | None, Any]:
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            return None, None
        _check(node, where)
        return node, loader.construct_document(node) if plain else None
    except _TooDeepError as error:
        raise _too_deep(where, error.line) from None
    except SpecError:
        raise
    except (yaml.YAMLError, *_NO_VALUE) as error:
        raise SpecError(f"{where} is not YAML: {_one_place(error)}", fix="Correct the line named above.") from error


def _check(root: yaml.Node, where: str) -> None:
    sizes: dict[int, tuple[int, int]] = {}
    open_nodes: set[int] = set()

    def size_of(node: yaml.Node) -> tuple[int, int]:
        """The numbers of values and of levels of a node, where an alias counts as everything that it stands for."""
        if id(node) in sizes:
            return sizes[id(node)]
        line = node.start_mark.line + 1
        if id(node) in open_nodes:
            raise _too_deep(where, line)
        open_nodes.add(id(node))
        parts: list[yaml.Node] = []
        if isinstance(node, yaml.MappingNode):
            _check_keys(node, where)
            parts = [part for pair in node.value for part in pair]
        elif isinstance(node, yaml.SequenceNode):
            parts = node.value
        size, levels = 1, 1
        for part in parts:
            values, deep = size_of(part)
            size, levels = size + values, max(levels, deep + 1)
        if levels > _DEEPEST:
            raise _too_deep(where, line)
        if size > _MOST_VALUES:
            raise SpecError(
                f"{where} is too large.",
                expected=f"at most {_MOST_VALUES} values, where an alias counts as all values it stands for",
                received=f"more than that from line {line} on",
                fix="Put long lists of terms into a file and name it as vocabulary_file; remove aliases of aliases.",
            )
        open_nodes.discard(id(node))
        sizes[id(node)] = size, levels
        return size, levels

    size_of(root)


def _check_keys(node: yaml.MappingNode, where: str) -> None:
    lines: dict[str, int] = {}
    for key, _ in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise SpecError(
                f"{where} has a list or mapping as a key.",
                expected="text as a key",
                received=f"a {key.id} in line {line}",
                fix="Write the name alone before the colon, in quotes if it has brackets.",
            )
        if key.tag == _MERGE:
            continue
        if key.value in lines:
            raise SpecError(
                f"{where} has the key '{key.value}' twice in one mapping.",
                expected="each key once",
                received=f"'{key.value}' in line {lines[key.value]} and in line {line}",
                fix="Remove one of the two lines.",
            )
        lines[key.value] = line


def _too_deep(where: str, line: int) -> SpecError:
    return SpecError(
        f"{where} is nested too deeply.",
        expected=f"at most {_DEEPEST} levels, and no alias of something that contains it",
        received=f"more levels than that in line {line}",
        fix="Write the spec without the nested lists, mappings or aliases.",
    )


def _one_place(error: Exception) -> str:
    """The error's words; where PyYAML counts characters only, that number."""
    if isinstance(error, yaml.reader.ReaderError):
        return f"character {error.position + 1} is {error.character!r}, which YAML does not allow ({error.reason})"
    return str(error)
