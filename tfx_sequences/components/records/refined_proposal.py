"""Refines a proposal with the records: declares, with reasons, what its check would reject or warn about."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

from tfx_sequences.components.records.data_check import DataReport, check_data
from tfx_sequences.components.records.keys import sample_files
from tfx_sequences.components.records.paths import AnyPath
from tfx_sequences.components.records.proposal_facts import ProposalFacts, proposal_facts
from tfx_sequences.errors import DataError
from tfx_sequences.schemas.features.raw_features import feature_of
from tfx_sequences.schemas.proposal.proposal import Note, Proposal
from tfx_sequences.schemas.proposal.propose import SECTIONS
from tfx_sequences.schemas.proposal.proposed_label import NEXT_STEP, next_step_column
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

# Fractions to try if there are few groups.
_SHARES = (0.1, 0.2, 0.3)
_GROUP = "it identifies the groups that splits.group keeps together; the groups in the test split are new"


def refined_proposal(proposal: Proposal, files: Sequence[AnyPath], folder: AnyPath | None) -> Proposal:
    """The proposal, changed to suit the records.

    Constant features, copies of the label and ids are removed; groups of records become `splits.group`; a network is
    causal if later steps reveal the label.

    Args:
        proposal: The proposal from the schema of these records.
        files: The training files.
        folder: The folder of all files, which the spec must be able to check; None for a single file.
    """
    try:
        facts = proposal_facts(proposal.spec, files, sample_files(files))
    except DataError as error:
        return _with_refusal(proposal, error)
    draft = _Draft(proposal)
    draft.leave_out(facts)
    draft.set_model(facts)
    draft.set_groups(facts)
    return _checked(draft, folder) if folder is not None else draft.proposal()


class _Draft:
    """A proposal during its changes: the spec as plain data, and the notes."""

    def __init__(self, proposal: Proposal) -> None:
        self.plain: dict[str, Any] = json.loads(proposal.spec.model_dump_json(exclude_defaults=True))
        self._patterns = self.plain.get("splits", {})
        self.notes = list(proposal.notes)
        self.left_out = list(proposal.left_out)
        self._columns = proposal.spec.columns
        self.heads = {name: proposal.spec.where_of_head(name) for name in proposal.spec.heads}

    def proposal(self) -> Proposal:
        spec = SequenceSpec.model_validate_json(json.dumps(self.plain))
        known = {*(f"context.{n}" for n in spec.context), *(f"sequence.{n}" for n in spec.sequence)}
        notes = [n for n in self.notes if not n.about.startswith(("context.", "sequence.")) or n.about in known]
        notes.sort(key=lambda note: SECTIONS.index(part) if (part := note.about.partition(".")[0]) in SECTIONS else -1)
        return Proposal(spec, tuple(notes), tuple(sorted(self.left_out, key=str)))

    def divide(self, **rules: Any) -> None:
        """Sets how records are held back; without rules, only the file patterns remain, and notes are removed."""
        self.plain["splits"] = {**self._patterns, **rules}
        if not self.plain["splits"]:
            del self.plain["splits"]
        if not rules:
            self.notes = [note for note in self.notes if note.about != "splits" or "patterns" in note.text]
            again = [n for n in self.left_out if n.text == _GROUP]
            self.left_out = [n for n in self.left_out if n.text != _GROUP]
            self.left_out += [Note(n.about, "it identifies groups of records") for n in again]

    def label(self, head: str) -> dict[str, Any]:
        section, _, name = self.heads[head].partition(".")
        return self.plain["labels"][name] if section == "labels" else self.plain["label"]

    def remove(self, name: str, why: str) -> bool:
        """Removes a column, unless it is the last sequence feature or something else needs it."""
        section, _, key = name.partition(".")
        columns = self.plain.get(section, {})
        targets = {self.label(head).get("target") for head in self.heads}
        if key not in columns or (section == "sequence" and (len(columns) == 1 or key in targets)):
            return False
        del columns[key]
        if not columns:
            del self.plain[section]
        self.left_out.append(Note(name, why))
        return True

    def leave_out(self, facts: ProposalFacts) -> None:
        for name, (width, size) in facts.widths.items():
            section, _, key = name.partition(".")
            self.plain[section][key]["shape"] = [width]
            text = f"a flat list of {width} values per step: '{self._columns[size].key}' contains its shape"
            self.notes.append(Note(name, text))
            self.remove(size, f"the numbers of steps and of values of '{self._columns[name].key}'")
        for name, unit in facts.times.items():
            section, _, key = name.partition(".")
            self.plain[section][key] = {"type": "time", "unit": unit}
            self.notes = [note for note in self.notes if note.about != name]
            text = (
                f"times in {unit} since 1970 by their magnitude; `features` says what the network gets of them, which "
                "is not the time itself (for that: {type: numeric, dtype: int64, normalizer: z_score})"
            )
            self.notes.append(Note(name, text))
        for name, (mark, count, values) in facts.missing_values.items():
            section, _, key = name.partition(".")
            self.plain[section][key]["missing_value"] = mark
            text = (
                f"{mark} marks a missing value: it is far from all others ({count} of {values} values). "
                "`indicator: true` also gives the network what is missing"
            )
            self.notes.append(Note(name, text))
        for name, clock in facts.clocks.items():
            self._align(name, clock)
        for name, example in facts.misaligned.items():
            if name in facts.clocks:
                continue
            key = self._columns[name].key
            users = [other for other, clock in facts.clocks.items() if clock["timestamps"] == key]
            if users:
                self.remove(name, f"the timestamps of {', '.join(users)}")
                continue
            self.remove(name, f"{example}; to use it, declare `timestamps` and `align`")
        for name, value in facts.constants.items():
            self.remove(name, f"constant: {value} in all {facts.records} records")
        for name, leak in facts.copies:
            self.remove(name, f"{leak.what.removesuffix('.')}: {leak.received}")
        for name, values in facts.ids.items():
            column, why = self._columns[name], f"a different value in each of the {facts.records} records"
            if column.is_sequence or values < facts.records:
                self.remove(name, f"an id: {values} values, all different")
                continue
            if (
                self.remove(name, f"{why}, so it identifies them")
                and "id_key" not in self.plain
                and feature_of(column).dtype == "string"
            ):
                self.plain["id_key"] = column.key
                self.left_out.pop()
                self.notes.append(Note("id_key", f"guessed: {why}"))

    def _align(self, name: str, clock: dict[str, str]) -> None:
        section, _, key = name.partition(".")
        align = {"to": clock["to"], **({"dtype": "int64"} if clock["dtype"] == "int64" else {})}
        self.plain[section][key] |= {"timestamps": clock["timestamps"], "align": align}
        text = f"its lists have other lengths, so a step gets the last value up to its time, by '{clock['timestamps']}'"
        self.notes.append(Note(name, text))

    def set_model(self, facts: ProposalFacts) -> None:
        for head in facts.binary:
            if self.label(head).get("horizon"):
                continue  # a series of zeros and ones
            which = "zeros and ones, treated as a class"
            if self.label(head).get("shape"):
                which = "vectors of zeros and ones, treated as one class each"
            else:
                self.label(head).update({"shape": [1], "classes": ["1"]})
            self._set_type(head, "multi_label", f"{which}; if they are numbers, use type: regression")
        for head, is_certain in facts.unknown.items():
            if is_certain:
                self.label(head)["missing_value"] = -1
            what = (
                "treated as a missing label"
                if is_certain
                else "treated as a class; if it is unknown: missing_value: -1"
            )
            self.notes.append(Note(self.heads[head], f"-1 beside classes from 0 on is {what}"))
        for head, one_hot in facts.distributions.items():
            label = self.label(head)
            size = label.get("horizon") or label["shape"][0]
            for field in ("horizon", "target", "mase_scale", "forecast"):
                label.pop(field, None)
            label |= {"shape": [size], "dtype": label.get("dtype") or "float32"}
            which = "one-hot vectors of a class" if one_hot else "vectors with the sum 1: probabilities of classes"
            self._set_type(head, "distribution", f"{which}; if they are numbers, use type: regression")
        if facts.told_later:
            self.plain.setdefault("model", {})["bidirectional"] = False
        for head, why in facts.told_later.items():
            key = self.label(head)["key"]
            text = f"causal, because a network that reads later steps would see the label '{key}': {why}"
            self.notes.append(Note("model", text))
        free = [head for head in self.heads if self.label(head).get("per_step") and head not in facts.told_later]
        if free and not facts.told_later:
            text = (
                "a label of steps: the network reads later steps too; if they are unknown when a step is predicted, "
                "use "
                "model: {bidirectional: false}"
            )
            self.notes.append(Note(self.heads[free[0]], text))

    def _set_type(self, head: str, kind: str, why: str) -> None:
        self.label(head)["type"] = kind
        where = self.heads[head]
        replaced = ("multi_label", "a vector of")
        self.notes = [n for n in self.notes if not (n.about == where and any(t in n.text for t in replaced))]
        self.notes.append(Note(where, why))

    def allow_unseen(self) -> bool:
        """Counts classes that are not in the training split as wrong; returns False if all labels already do so."""
        changed = False
        for head, where in self.heads.items():
            label = self.label(head)
            kind = label.get("type", "classification")
            if kind in ("classification", "multi_label") and not label.get("shape") and "unseen" not in label:
                label["unseen"] = "wrong" if kind == "classification" else "other"
                text = f"classes that are only in valid or test: `unseen: {label['unseen']}` determines how they count"
                self.notes = [n for n in self.notes if not (n.about == where and "any other is an error" in n.text)]
                self.notes.append(Note(where, text))
                changed = True
        return changed

    def predict_next(self) -> bool:
        """Lets labels of steps be predicted from the steps before; returns False if their steps are those of lists.

        The tokens of a text were taken for the steps, because no other feature has any, and their number differs.
        """
        per_step = [head for head in self.heads if self.label(head).get("per_step")]
        texts = dict(self.plain["sequence"])
        if not per_step or any(column["type"] != "text" for column in texts.values()):
            return False
        self.plain["sequence"] = {}
        self.plain["model"] = {"bidirectional": False}
        for head in per_step:
            label = self.label(head)
            self.plain["sequence"][label["key"]] = next_step_column(label)
            label["shift"] = 1
            self.notes = [note for note in self.notes if not (note.about == self.heads[head] and "later" in note.text)]
            self.notes.append(Note(self.heads[head], NEXT_STEP))
        self.left_out += [Note(f"context.{name}", "a text whose tokens are not the label's steps") for name in texts]
        return True

    def set_groups(self, facts: ProposalFacts) -> None:
        if facts.repeated_id:
            key = self.plain.pop("id_key")
            self.notes = [note for note in self.notes if note.about != "id_key"]
            self.left_out.append(Note(key, f"an id of groups of records, not of single records: {facts.groups[key]}"))
        # The largest groups come first: the records of a patient, before those of each visit.
        groups = sorted(facts.groups, key=lambda key: float(facts.groups[key].split(", ")[1].split()[0]), reverse=True)
        for key in groups:
            name = f"context.{key}"
            if key == groups[0]:
                self.divide(group=key)
                text = f"'{key}' identifies groups of records ({facts.groups[key]}), which stay together in one split"
                self.notes.append(Note("splits", text))
                self.remove(name, _GROUP)
            else:
                self.notes.append(Note("splits", f"'{key}' may also identify groups of records: {facts.groups[key]}"))


def _checked(draft: _Draft, folder: AnyPath) -> Proposal:
    """A draft that its own check accepts, with the warnings of the check."""
    proposal = draft.proposal()
    group = draft.plain.get("splits", {}).get("group")
    error: DataError | None = None
    for share in _SHARES if group else _SHARES[:1]:
        if group and share != _SHARES[0]:
            draft.divide(group=group, valid_fraction=share, test_fraction=share)
            proposal = draft.proposal()
        try:
            report = check_data(proposal.spec, folder)
        except DataError as refused:
            error = refused
            if "has a class" in refused.what and draft.allow_unseen():
                return _checked(draft, folder)
            if "different numbers of steps" in refused.what and draft.predict_next():
                return _checked(draft, folder)
            if "held back" not in refused.what:
                break
        else:
            return _with_report(draft, report)
    if group and error is not None and "held back" in error.what:
        draft.divide()
        draft.notes.append(
            Note(
                "splits", f"too few groups for `splits: {{group: {group}}}`: records of one group may be in two splits"
            )
        )
        return _checked(draft, folder)
    return proposal if error is None else _with_refusal(proposal, error)


def _with_report(draft: _Draft, report: DataReport) -> Proposal:
    for line in report.advice:
        if line.startswith("Classes of ") or "lie outside those of train" in line:
            draft.notes.append(Note("check", line))
    for leak in report.leaks:
        if leak.kind == "group" and not report.held_back:
            # All splits have files, so no records are divided.
            draft.divide()
        draft.notes.append(Note("check", f"{leak.what} {leak.received}. {leak.fix}".removesuffix(".")))
    proposal = draft.proposal()
    return dataclasses.replace(proposal, notes=proposal.notes)


def _with_refusal(proposal: Proposal, error: DataError) -> Proposal:
    """The proposal, with the error of the check: no declaration can avoid it."""
    text = " ".join(f"the check rejects the records: {error.what} {error.fix or ''}".split()).removesuffix(".")
    return dataclasses.replace(proposal, notes=(Note("records", text), *proposal.notes))
