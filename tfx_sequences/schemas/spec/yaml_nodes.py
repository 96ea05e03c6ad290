"""YAML text as nodes that are safe to work with: no key twice, no aliases without end, no deep nesting."""

from __future__ import annotations

import yaml

from tfx_sequences.errors import SpecError

_DEEPEST = 50
# A spec has some hundred values, or a long list of terms. Aliases of aliases multiply.
_MOST_VALUES = 1_000_000
_MERGE = "tag:yaml.org,2002:merge"


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
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise SpecError(f"{where} is not YAML: {error}", fix="Correct the line named above.") from error
    except RecursionError:
        raise _too_deep(where) from None
    if node is not None:
        _check(node, where)
    return node


def _check(root: yaml.Node, where: str) -> None:
    sizes: dict[int, int] = {}
    open_nodes: set[int] = set()

    def size_of(node: yaml.Node, depth: int) -> int:
        """The number of values under a node, where an alias counts as everything that it stands for."""
        if id(node) in sizes:
            return sizes[id(node)]
        if id(node) in open_nodes or depth > _DEEPEST:
            raise _too_deep(where)
        open_nodes.add(id(node))
        size = 1
        if isinstance(node, yaml.MappingNode):
            _check_keys(node, where)
            size += sum(size_of(part, depth + 1) for pair in node.value for part in pair)
        elif isinstance(node, yaml.SequenceNode):
            size += sum(size_of(part, depth + 1) for part in node.value)
        if size > _MOST_VALUES:
            raise SpecError(
                f"{where} is too large.",
                expected=f"at most {_MOST_VALUES} values, where an alias counts as all values it stands for",
                received=f"more than that from line {node.start_mark.line + 1} on",
                fix="Put long lists of terms into a file and name it as vocabulary_file; remove aliases of aliases.",
            )
        open_nodes.discard(id(node))
        sizes[id(node)] = size
        return size

    size_of(root, 0)


def _check_keys(node: yaml.MappingNode, where: str) -> None:
    lines: dict[str, int] = {}
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode) or key.tag == _MERGE:
            continue
        line = key.start_mark.line + 1
        if key.value in lines:
            raise SpecError(
                f"{where} has the key '{key.value}' twice in one mapping.",
                expected="each key once",
                received=f"'{key.value}' in line {lines[key.value]} and in line {line}",
                fix="Remove one of the two lines.",
            )
        lines[key.value] = line


def _too_deep(where: str) -> SpecError:
    return SpecError(
        f"{where} is nested too deeply.",
        expected=f"at most {_DEEPEST} levels, and no alias of something that contains it",
        received="more levels than that",
        fix="Write the spec without the nested lists, mappings or aliases.",
    )
