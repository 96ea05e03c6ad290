"""A proposed spec, with notes on what was guessed and what was left out."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator

import yaml

from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec
from tfx_sequences.schemas.spec.spec_io import spec_to_yaml

_WIDTH = 100


@dataclasses.dataclass(frozen=True)
class Note:
    """A note about one part of the spec, or about one feature.

    Attributes:
        about: The part, such as `label` or `sequence.price`; otherwise the feature's key.
        text: A sentence, without the final full stop.
    """

    about: str
    text: str

    def __str__(self) -> str:
        return f"{self.about}: {self.text}."


@dataclasses.dataclass(frozen=True)
class Proposal:
    """The result of `propose_spec`.

    Attributes:
        spec: The spec, ready to use or to edit.
        notes: Notes on what was guessed, part by part, in the spec's order.
        left_out: The schema's features that are not in the spec, with the reasons.
    """

    spec: SequenceSpec
    notes: tuple[Note, ...] = ()
    left_out: tuple[Note, ...] = ()

    def to_yaml(self, *, origin: str = "a schema") -> str:
        """The spec as YAML; each note is a comment above its line.

        Args:
            origin: The source, for the head of the file.
        """
        text = spec_to_yaml(self.spec)
        places = dict(_places(yaml.compose(text, Loader=yaml.SafeLoader), ()))
        above: dict[int, list[str]] = {}
        head = [f"Proposed from {origin}. Review it: comments mark what was guessed."]
        for note in self.notes:
            if note.about in places:
                line, indent = places[note.about]
                above.setdefault(line, []).extend(_comment(f"{note.text[:1].upper()}{note.text[1:]}.", indent))
            else:
                head.append(str(note))
        if self.left_out:
            head.append("Not in the spec:")
            head += [f"  {note}" for note in self.left_out]
        commented = [comment for words in head for comment in _comment(words, 0)]
        for number, written in enumerate(text.split("\n")[:-1]):
            commented += [*above.get(number, ()), written]
        return "\n".join(commented) + "\n"


def _places(node: yaml.Node | None, path: tuple[str, ...]) -> Iterator[tuple[str, tuple[int, int]]]:
    """Line and column of each key of the first two levels, by its dotted path."""
    if isinstance(node, yaml.MappingNode) and len(path) < 2:
        for key, value in node.value:
            here = (*path, key.value)
            yield ".".join(here), (key.start_mark.line, key.start_mark.column)
            # The keys of a one-line mapping do not have separate lines.
            if not getattr(value, "flow_style", True):
                yield from _places(value, here)


def _comment(words: str, indent: int) -> Iterable[str]:
    import textwrap

    # A key can contain a line break; the text after it would not be a comment.
    plain = " ".join(words.splitlines())
    margin = " " * indent
    depth = len(plain) - len(plain.lstrip())
    return textwrap.wrap(
        plain.strip(),
        _WIDTH,
        initial_indent=f"{margin}# {' ' * depth}",
        subsequent_indent=f"{margin}# {' ' * (depth + 2 if depth else 0)}",
        break_long_words=False,
        break_on_hyphens=False,
    )
