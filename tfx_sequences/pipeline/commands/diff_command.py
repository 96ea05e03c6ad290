"""`tfx-sequences diff`: shows what changed between two specs, two models, or a spec and a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from tfx_sequences.pipeline.commands.capture import Capture
    from tfx_sequences.schemas.spec.spec_diff import SpecContents

DIFFERENT = 1


def diff_command(
    before: Annotated[str, typer.Argument(metavar="A", help="A spec, a pushed model, or the output folder of a run.")],
    after: Annotated[str, typer.Argument(metavar="B", help="The spec or model to compare with.")],
) -> None:
    """Show what changed from A to B, by feature; the exit code is 1 if anything changed.

    Lines marked with ! change how records are read or what predictions mean: a model of one spec cannot replace a
    model of the other.
    """
    from tfx_sequences.pipeline.commands.supervision import GOOD, supervised

    def work(capture: Capture) -> int:
        from tfx_sequences.schemas.spec.spec_diff import spec_changes

        (old, old_card), (new, new_card) = _read(before), _read(after)
        lines = [f"{'!' if change.decides else ' '} {change}" for change in spec_changes(old, new)]
        if old_card is not None and new_card is not None:
            lines += [f"! {line}" for line in model_changes(old_card, new_card)]
        for line in lines:
            capture.stdout.write(line + "\n")
        if not lines:
            capture.stdout.write("No difference.\n")
        capture.stdout.flush()
        return DIFFERENT if lines else GOOD

    raise typer.Exit(supervised(work))


def model_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Differences between two models that come from their data: classes, vocabularies, statistics.

    Args:
        before: The card of the first model.
        after: The card of the second model.

    >>> card = {"classes": {"label": ["a"]}, "transform": {"digest": "1", "vocabularies": {}}}
    >>> model_changes(card, {**card, "classes": {"label": ["a", "b"]}})
    ["label: classes were 'a', are 'a', 'b'"]
    """
    from tfx_sequences.errors import shortened

    lines = []
    for head in dict.fromkeys([*before["classes"], *after["classes"]]):
        old, new = (card["classes"].get(head) for card in (before, after))
        if old is not None and new is not None and old != new:
            lines.append(f"{head}: classes were {shortened(old)}, are {shortened(new)}")
    old_graph, new_graph = (card.get("transform", {}) for card in (before, after))
    old_files, new_files = (graph.get("vocabularies", {}) for graph in (old_graph, new_graph))
    for name in sorted(old_files.keys() & new_files.keys()):
        if old_files[name]["digest"] != new_files[name]["digest"]:
            lines.append(f"{name}: had {old_files[name]['terms']} terms, has {new_files[name]['terms']}, not the same")
    if not lines and old_graph.get("digest") != new_graph.get("digest"):
        lines.append("the transform graph: computed from other data, or by other code")
    return lines


def _read(source: str) -> tuple[SpecContents, Mapping[str, Any] | None]:
    """The spec, and the model's card if the source is a model."""
    from tfx_sequences.components.records.paths import path_of
    from tfx_sequences.schemas.spec.spec_diff import contents_of
    from tfx_sequences.schemas.spec.spec_io import load_spec

    if not path_of(source).is_dir():
        return contents_of(load_spec(source)), None
    from tfx_sequences.components.serving.model_card import contents_of_card, find_model, read_card

    card = read_card(find_model(source))
    return contents_of_card(card), card
