"""`SequenceSpec`: the declaration from which everything else is generated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar, Literal

import pydantic

from tfx_sequences.errors import SpecError, did_you_mean
from tfx_sequences.schemas.columns.base import Declared
from tfx_sequences.schemas.columns.column import CategoricalColumn, Column, CrossedColumn, TextColumn
from tfx_sequences.schemas.columns.column_base import BaseColumn, IdColumn
from tfx_sequences.schemas.columns.shared_tables import names_by_table
from tfx_sequences.schemas.spec.batching import Batching
from tfx_sequences.schemas.spec.evaluation_options import Evaluation
from tfx_sequences.schemas.spec.forecast_history import with_history
from tfx_sequences.schemas.spec.forecast_labels import check_forecasts, without_normalizer
from tfx_sequences.schemas.spec.label import Label
from tfx_sequences.schemas.spec.later_steps import check_later_steps
from tfx_sequences.schemas.spec.model_options import Conv1DLayer, Model
from tfx_sequences.schemas.spec.offsets import check_offsets
from tfx_sequences.schemas.spec.rows import Rows, check_rows
from tfx_sequences.schemas.spec.splits import Splits as Splits
from tfx_sequences.schemas.spec.training_options import Training
from tfx_sequences.schemas.spec.tuning_options import SECTIONS, Tuning

# The name of the only head, if the spec has `label` instead of `labels`.
SINGLE_HEAD = "label"


class SequenceSpec(Declared):
    """Features, label, batching, model, training and evaluation of one sequence task.

    >>> from tfx_sequences.schemas.columns.column import NumericColumn
    >>> spec = SequenceSpec(
    ...     name="vowels",
    ...     sequence={"lpc": {"type": "numeric", "shape": (12,)}},
    ...     label={"key": "speaker"},
    ... )
    >>> spec.sequence["lpc"] == NumericColumn(key="lpc", shape=(12,), is_sequence=True)
    True
    """

    needs_label: ClassVar[bool] = True

    name: str = pydantic.Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,62}$")
    """Name of the pipeline: letters, digits, `_` and `-`."""
    description: str = ""
    record: Literal["SequenceExample", "Example", "ELWC"] = "SequenceExample"
    """The protocol buffer type of the records. In an Example, a sequence feature is a flat list: the values of `shape`
    for each step. ELWC is ExampleListWithContext: its items are the steps."""
    id_key: str | None = None
    """Context feature that identifies the record in messages and predictions."""
    id_dtype: Literal["string", "int64"] = "string"
    """Dtype of the id in the record. Predictions contain it as text."""
    context: dict[str, Column] = {}
    """Features of the whole record, by name."""
    sequence: dict[str, Column] = pydantic.Field(min_length=1)
    """Features of each step, by name. All features of a record have the same number of steps."""
    label: Label | None = None
    """What the model learns to predict."""
    labels: dict[Annotated[str, pydantic.Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")], Label] = {}
    """Instead of `label`: several labels by name, which the heads of one network learn together."""
    example_weight: str | None = None
    """Context feature (a number): the weight of the record in loss and metrics."""
    example_weight_dtype: Literal["float32", "int64"] = "float32"
    """Dtype of the weight in the record."""
    rows: Rows | None = None
    """How rows of tables become the records, for `tfx-sequences ingest`. None: there are only records."""
    splits: Splits = Splits()
    batching: Batching = Batching()
    model: Model = Model()
    training: Training = Training()
    tuning: Tuning | None = None
    """None: no search; training uses the values above."""
    evaluation: Evaluation = Evaluation()

    @pydantic.field_validator("context", "sequence", mode="before")
    @classmethod
    def _name_columns(cls, columns: Any, info: pydantic.ValidationInfo) -> Any:
        in_sequence = info.field_name == "sequence"
        if isinstance(columns, list | tuple) and all(isinstance(column, BaseColumn) for column in columns):
            columns = {column.key: column for column in columns}
        if not isinstance(columns, Mapping):
            return columns
        return {
            name: {"key": name, **column, "is_sequence": in_sequence} if isinstance(column, Mapping) else column
            for name, column in columns.items()
        }

    @pydantic.model_validator(mode="before")
    @classmethod
    def _prepare_for_forecasts(cls, data: Any) -> Any:
        return with_history(without_normalizer(data)) if isinstance(data, Mapping) else data

    @pydantic.model_validator(mode="after")
    def _check(self) -> SequenceSpec:
        for section, in_sequence in (("context", False), ("sequence", True)):
            for name, column in getattr(self, section).items():
                if column.is_sequence != in_sequence:
                    kind = "a sequence" if column.is_sequence else "a context"
                    raise ValueError(f"{section}.{name} is declared as {kind} column; move it, or build its twin")
        if self.label is not None and self.labels:
            raise ValueError("has label and labels")
        if self.needs_label and not self.heads:
            raise ValueError("needs a `label`, or `labels` by name")
        if "id" in self.labels:
            raise ValueError("labels: predictions use 'id' for the record; choose another name")
        for name, label in self.heads.items():
            self._check_label(self.where_of_head(name), label)
        labels = {self.where_of_head(name): label for name, label in self.heads.items()}
        check_forecasts(labels, self.sequence, self._context_keys, self.batching)
        check_later_steps(labels, self.sequence)
        known_ahead = frozenset(name for label in labels.values() for name in label.known_future)
        check_offsets(self.context, self.sequence, known_ahead)
        stored = {label.key: label.per_step for label in self.heads.values() if not label.is_cut_out}
        others = {key for key in (self.id_key, self.example_weight) if key is not None}
        check_rows(self.rows, self.record, self._context_keys | others, stored)
        if self.record == "Example":
            outside = self._context_keys | {self.id_key, self.example_weight}
            outside |= {x.key for x in self.heads.values() if not (x.per_step or x.is_cut_out)}
            inside: list[str | None] = [*sorted(keys_of(self.columns.values(), of_steps=True))]
            inside += [key for label in self.heads.values() if label.per_step for key in (label.key, label.step_weight)]
            for key in inside:
                if key in outside and key is not None:
                    raise ValueError(
                        f"'{key}' is used inside and outside of the sequence, "
                        "but a tf.Example has one feature for each name; only a SequenceExample can have two"
                    )
            for column in self.sequence.values():
                if isinstance(column, CategoricalColumn | CrossedColumn) and column.multi_valued:
                    raise ValueError(
                        f"'{column.key}' is multi_valued, but the flat lists of a tf.Example cannot say "
                        "which values belong to which step; use SequenceExamples"
                    )
        try:
            names_by_table(self.columns)
        except SpecError as error:
            raise ValueError(str(error)) from error
        if self.model.context != "head" and not self.context:
            raise ValueError(f"model.context is {self.model.context}, but there are no context features")
        for name, column in self.columns.items() if self.batching.prepared else ():
            if isinstance(column, IdColumn) and column.has_several_ids and not getattr(column, "shape", ()):
                raise ValueError(f"batching.prepared cannot keep {name}, which has any number of ids; leave it out")
        if self.tuning:
            self.tuning.check({name: getattr(self, name) for name in SECTIONS})
        for name, padding in self.batching.padding.items():
            if name not in self.sequence:
                hint = did_you_mean(name, self.sequence)
                raise ValueError(f"batching.padding: '{name}' is not a sequence feature.{hint}")
            if self.sequence[name].type != "numeric" and not padding.value.is_integer():
                raise ValueError(f"batching.padding: '{name}' has ids, so its value must be a whole number")
        known = [self.metric_name(name, m) for name, label in self.heads.items() for m in label.metrics]
        for part in ("thresholds", "baseline"):
            for metric in getattr(self.evaluation, part):
                if metric not in known:
                    hint = did_you_mean(metric, known)
                    raise ValueError(f"evaluation.{part} has no metric '{metric}'.{hint} Use {', '.join(known)}")
        if self.evaluation.step_slices and not any(label.per_step for label in self.heads.values()):
            raise ValueError("evaluation.step_slices: no label is per step; leave it out")
        of_records = {label.key for label in self.heads.values() if not label.per_step and not label.is_vector}
        for key in self.evaluation.slices:
            if key not in self._context_keys | of_records:
                raise ValueError(f"evaluation.slices: '{key}' is neither a context feature nor a label of the record")
        return self

    def _check_label(self, where: str, label: Label) -> None:
        if label.is_cut_out:
            return
        sees = keys_of(self.columns.values(), of_steps=True) if label.per_step else self._context_keys
        if label.key in sees:
            place = "sequence" if label.per_step else "context"
            answer = f"the label '{label.key}' is also a {place} feature: the model would see the answer"
            if not label.per_step:
                raise ValueError(answer)
            if not label.shift:
                raise ValueError(f"{answer}; set {where}.shift, to predict later steps")
        if self.record == "Example" and label.per_step and label.has_several_terms:
            raise ValueError(
                f"{where} has any number of terms per step, but the flat lists of a tf.Example cannot say which "
                "belong to which step; use SequenceExamples, or vectors of 0 and 1"
            )
        if self.batching.prepared and label.has_several_terms:
            raise ValueError(f"batching.prepared cannot keep {where}, which has any number of terms; leave it out")

    @pydantic.model_serializer(mode="wrap")
    def _drop_implied(self, handler: Any) -> dict[str, Any]:
        dumped = handler(self)
        for section in ("context", "sequence"):
            for name, column in dumped.get(section, {}).items():
                column.pop("is_sequence", None)
                if column.get("key") == name:
                    del column["key"]
        return dumped

    @property
    def payload(self) -> Literal["SequenceExample", "Example"]:
        """The protocol buffer type of the records after reading: an ELWC is read as a SequenceExample."""
        return "Example" if self.record == "Example" else "SequenceExample"

    @property
    def heads(self) -> dict[str, Label]:
        """The label of each head of the model by its name; the head of `label` is called `label`."""
        return {SINGLE_HEAD: self.label} if self.label is not None else dict(self.labels)

    def where_of_head(self, name: str) -> str:
        """The place of a head's label in the spec."""
        return "label" if self.label is not None else f"labels.{name}"

    def output_prefix(self, head: str) -> str:
        """The prefix of the names of a head's outputs: empty for `label`, `NAME_` for one of `labels`."""
        return "" if self.label is not None else f"{head}_"

    def metric_name(self, head: str, metric: str) -> str:
        """The name of a head's metric: `accuracy`, or `NAME.accuracy` if the spec has `labels`."""
        return metric if self.label is not None else f"{head}.{metric}"

    @property
    def _context_keys(self) -> set[str]:
        """Keys of context features, including a text whose tokens are the steps."""
        return keys_of(self.columns.values(), of_steps=False)

    @property
    def columns(self) -> dict[str, Column]:
        """All columns by the name of their transformed feature, in name order.

        The name is `context.x` or `sequence.x`, so a name may be in both.
        """
        both = {f"context.{n}": c for n, c in self.context.items()}
        both |= {f"sequence.{n}": c for n, c in self.sequence.items()}
        return dict(sorted(both.items()))


def check_causality(spec: SequenceSpec) -> None:
    """Rejects a network that reads the later steps that it must predict.

    This is not one of the spec's own checks, because a stage may read a spec without its model.

    Raises:
        SpecError: A label with `shift` is also a feature, and the network is bidirectional.
    """
    features = keys_of(spec.columns.values(), of_steps=True)
    both_ways = [n for n, f in enumerate(spec.model.front) if isinstance(f, Conv1DLayer) and f.padding == "same"]
    reads_later = {"model.bidirectional": "false"} if spec.model.bidirectional is True else {}
    reads_later |= {f"model.front.{number}.padding": "causal" for number in both_ways}
    for name, label in spec.heads.items():
        if label.per_step and label.key in features and reads_later and spec.model.builder is None:
            raise SpecError(
                f"{spec.where_of_head(name)}: the network would see the answer.",
                expected=f"a network that does not read later steps, because '{label.key}' is a feature and a label",
                received=f"{' and '.join(reads_later)}, which read them",
                fix=f"Set {', '.join(f'{key}: {value}' for key, value in reads_later.items())}.",
            )


def weighs_records(spec: SequenceSpec, label: Label) -> bool:
    """Whether a record's weight for a label can differ from 1: by an example weight, or 0 for a missing label."""
    return spec.example_weight is not None or label.may_be_missing


def keys_of(columns: Iterable[BaseColumn], *, of_steps: bool) -> set[str]:
    """Keys of all features that columns read from the steps, or from the context."""
    found = set()
    for column in columns:
        if is_from_context(column) != of_steps:
            found.add(column.key)
        others = (*column.further_features, *column.clock_features)
        found |= {other.key for other in others if other.is_sequence == of_steps}
    return found


def is_from_context(column: BaseColumn) -> bool:
    """Whether the raw feature is in the record's context; this includes text whose tokens are the steps."""
    return not column.is_sequence or (isinstance(column, TextColumn) and column.source == "context")
