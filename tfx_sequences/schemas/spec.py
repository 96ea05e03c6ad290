"""`SequenceSpec`: the one declaration everything else is generated from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import pydantic

from tfx_sequences.errors import SpecError, did_you_mean
from tfx_sequences.schemas.base import Declared, Sizes, Strings, Terms
from tfx_sequences.schemas.column_base import BaseColumn, IdColumn
from tfx_sequences.schemas.columns import CategoricalColumn, Column, TextColumn
from tfx_sequences.schemas.shared_tables import names_by_table


class Label(Declared):
    """What the model learns to predict: a context feature of the record."""

    key: str = pydantic.Field(min_length=1)
    """The label's key among the context features."""
    type: Literal["classification", "regression"] = "classification"
    dtype: Literal["string", "int64", "float32"] | None = None
    """How it is stored; by default string for classification (int64 where `classes`
    are numbers), float32 for regression."""
    classes: Terms | None = None
    """The classes, in the order of the model's outputs. None: those of the training split."""

    @pydantic.model_validator(mode="before")
    @classmethod
    def _choose_dtype(cls, data: Any) -> Any:
        if isinstance(data, Mapping) and data.get("dtype") is None:
            classes = data.get("classes")
            numbers = isinstance(classes, list | tuple) and bool(classes) and isinstance(classes[0], int)
            regression = data.get("type") == "regression"
            data = {**data, "dtype": "float32" if regression else "int64" if numbers else "string"}
        return data

    @pydantic.model_validator(mode="after")
    def _check(self) -> Label:
        if self.type == "regression":
            if self.classes is not None:
                raise ValueError("a regression label has no classes")
            if self.dtype == "string":
                raise ValueError("a regression label is a number: dtype float32 or int64")
        elif self.dtype == "float32":
            raise ValueError("a classification label is a string or an int64, not float32")
        elif self.classes is not None:
            if len(self.classes) < 2:
                raise ValueError("classification needs at least 2 classes")
            if len(set(self.classes)) < len(self.classes):
                raise ValueError("classes holds a class twice")
            if isinstance(self.classes[0], str) != (self.dtype == "string"):
                raise ValueError(f"classes does not hold values of dtype {self.dtype}")
        return self


class Splits(Declared):
    """Which files are which split: glob patterns below the data folder.

    A split without files is held back from the training records, by a hash of
    the record: the same records in every run.
    """

    train: str = "train*"
    valid: str = "valid*"
    test: str = "test*"
    valid_fraction: float = pydantic.Field(0.1, gt=0, lt=0.5)
    """Share of the training records held back for early stopping when no file matches `valid`."""
    test_fraction: float = pydantic.Field(0.1, gt=0, lt=0.5)
    """Share of the training records held back for the test when no file matches `test`."""


class Padding(Declared):
    """How the rows of one sequence feature are filled up to the longest of their batch."""

    value: float = 0.0
    """What padding holds; a whole number for ids. The mask comes from lengths, so the network never sees it."""
    side: Literal["right", "left"] = "right"
    """Where it stands. The network that is built from a spec takes right only."""


class Batching(Declared):
    """How records become batches of about equal length."""

    batch_size: pydantic.PositiveInt = 32
    """Records per batch at most."""
    token_budget: pydantic.PositiveInt | None = None
    """Steps per batch at most, padding included: buckets of long sequences get smaller batches.
    A sequence longer than that comes alone."""
    batch_size_multiple: pydantic.PositiveInt = 1
    """Automatic batch sizes are multiples of this; at least one, even if that exceeds the budget."""
    num_buckets: pydantic.PositiveInt = 8
    """How many buckets at most, where the boundaries are not given."""
    bucket_boundaries: Sizes | None = None
    """Upper length bounds (exclusive) of the buckets; None takes those with the least padding."""
    bucket_batch_sizes: Sizes | None = None
    """Records per batch of each bucket, one more than `bucket_boundaries`; wins over what is automatic."""
    shuffle_buffer: pydantic.PositiveInt = 10_000
    """Records that are held in memory, and in training shuffled, at a time."""
    drop_shorter_than: pydantic.NonNegativeInt = 0
    """Training leaves out shorter sequences, and says how many."""
    drop_longer_than: pydantic.PositiveInt | None = None
    """Training leaves out longer sequences, and says how many."""
    max_length: pydantic.PositiveInt | None = None
    """Longer sequences are cut to so many steps: in training, evaluation and serving."""
    truncate: Literal["tail", "head", "random"] = "tail"
    """Which end is cut off. `random` keeps a random stretch in training, and cuts the tail elsewhere."""
    padding: dict[str, Padding] = {}
    """By sequence feature, where padding is not 0 on the right."""
    prepared: bool = False
    """Before it trains, the trainer writes the transformed records once more, column by column: later epochs read
    several times faster. Batches are then cut from records sorted by length, without buckets."""
    on_error: Literal["raise", "skip"] = "raise"
    """`skip` leaves out records that cannot be parsed, and says how many and which."""

    @pydantic.model_validator(mode="after")
    def _check(self) -> Batching:
        bounds, sizes = self.bucket_boundaries, self.bucket_batch_sizes
        if bounds is not None and list(bounds) != sorted(set(bounds)):
            raise ValueError("bucket_boundaries must rise, each greater than the one before it")
        if sizes is not None and bounds is None:
            raise ValueError("bucket_batch_sizes needs bucket_boundaries: give both, or a token_budget")
        if sizes is not None and bounds is not None and len(sizes) != len(bounds) + 1:
            raise ValueError(
                f"bucket_batch_sizes must have one more than bucket_boundaries: expected {len(bounds) + 1}, "
                f"received {len(sizes)}"
            )
        if self.drop_longer_than is not None and self.drop_longer_than < self.drop_shorter_than:
            raise ValueError("drop_longer_than is below drop_shorter_than: no sequence would be left")
        return self


class Model(Declared):
    """The masked recurrent network."""

    cell: Literal["lstm", "gru", "simple_rnn"] = "lstm"
    units: Sizes = pydantic.Field((64,), min_length=1)
    """Units of each stacked recurrent layer."""
    bidirectional: bool = True
    pooling: Literal["last", "mean", "max"] = "mean"
    """How the real steps become one vector: the final state, or the mean or maximum over them."""
    dropout: float = pydantic.Field(0.2, ge=0, lt=1)
    """Share of inputs and of pooled outputs that is dropped in training."""


class Training(Declared):
    """How the network is fitted."""

    epochs: pydantic.PositiveInt = 60
    """Epochs at most; early stopping usually ends sooner."""
    learning_rate: float = pydantic.Field(1e-3, gt=0)
    """Of Adam."""
    early_stopping_patience: pydantic.PositiveInt = 8
    """Epochs without a better validation loss before training stops; the best weights are kept."""
    gradient_clip_norm: float | None = pydantic.Field(1.0, gt=0)
    """Global norm to which gradients are clipped."""
    seed: int = 0


class Threshold(Declared):
    """Bounds a metric on the test split must keep for the model to be blessed."""

    min: float | None = None
    max: float | None = None

    @pydantic.model_validator(mode="after")
    def _check(self) -> Threshold:
        if self.min is None and self.max is None:
            raise ValueError("give min, max or both")
        return self


class Evaluation(Declared):
    """What the model is measured by on the test split."""

    thresholds: dict[str, Threshold] = {}
    """By metric: accuracy and loss (classification), mean_squared_error,
    mean_absolute_error (regression). Without any, every evaluated model is blessed."""
    slices: Strings = ()
    """Context features by whose values the metrics are also given."""


_METRICS = {
    "classification": ("accuracy", "loss"),
    "regression": ("mean_squared_error", "mean_absolute_error"),
}


class SequenceSpec(Declared):
    """Features, label, batching, model, training and evaluation of one sequence task.

    >>> from tfx_sequences.schemas.columns import NumericColumn
    >>> spec = SequenceSpec(
    ...     name="vowels",
    ...     sequence={"lpc": {"type": "numeric", "shape": (12,)}},
    ...     label={"key": "speaker"},
    ... )
    >>> spec.sequence["lpc"] == NumericColumn(key="lpc", shape=(12,), is_sequence=True)
    True
    """

    name: str = pydantic.Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,62}$")
    """Names the pipeline; letters, digits, `_` and `-`."""
    description: str = ""
    record: Literal["SequenceExample", "Example"] = "SequenceExample"
    """The protocol buffer of the records. In an Example, a sequence feature is a
    list of values, `shape` many per step."""
    id_key: str | None = None
    """Context feature (a string) that names the record in messages and predictions."""
    context: dict[str, Column] = {}
    """Features of the whole record, by name."""
    sequence: dict[str, Column] = pydantic.Field(min_length=1)
    """Features of each step, by name. All of a record have the same number of steps."""
    label: Label
    example_weight: str | None = None
    """Context feature (a number) that weighs the record in loss and metrics."""
    splits: Splits = Splits()
    batching: Batching = Batching()
    model: Model = Model()
    training: Training = Training()
    evaluation: Evaluation = Evaluation()

    @pydantic.field_validator("context", "sequence", mode="before")
    @classmethod
    def _name_columns(cls, columns: Any, info: pydantic.ValidationInfo) -> Any:
        in_sequence = info.field_name == "sequence"
        if isinstance(columns, Iterable) and not isinstance(columns, Mapping | str):
            columns = {column.key: column for column in columns}
        if not isinstance(columns, Mapping):
            return columns
        return {
            name: {"key": name, **column, "is_sequence": in_sequence} if isinstance(column, Mapping) else column
            for name, column in columns.items()
        }

    @pydantic.model_validator(mode="after")
    def _check(self) -> SequenceSpec:
        for section, in_sequence in (("context", False), ("sequence", True)):
            for name, column in getattr(self, section).items():
                if column.is_sequence != in_sequence:
                    kind = "a sequence" if column.is_sequence else "a context"
                    raise ValueError(f"{section}.{name} is declared as {kind} column; move it, or build its twin")
        if self.label.key in self._context_keys:
            raise ValueError(f"the label '{self.label.key}' is also a context feature: the model would see the answer")
        if self.record == "Example":
            outside = self._context_keys | {self.label.key, self.id_key, self.example_weight}
            for column in self.sequence.values():
                if column.key in outside and not is_from_context(column):
                    raise ValueError(
                        f"'{column.key}' is used inside and outside of the sequence, "
                        "but a tf.Example has one feature of a name; only a SequenceExample can have two"
                    )
            for column in self.sequence.values():
                if isinstance(column, CategoricalColumn) and column.multi_valued:
                    raise ValueError(
                        f"'{column.key}' is multi_valued, but the flat lists of a tf.Example cannot say "
                        "which values belong to which step; use SequenceExamples"
                    )
        try:
            names_by_table(self.columns)
        except SpecError as error:
            raise ValueError(str(error)) from error
        for name, column in self.columns.items() if self.batching.prepared else ():
            if isinstance(column, IdColumn) and column.has_several_ids and not getattr(column, "shape", ()):
                raise ValueError(f"batching.prepared cannot keep {name}, which has any number of ids; leave it out")
        for name, padding in self.batching.padding.items():
            if name not in self.sequence:
                hint = did_you_mean(name, self.sequence)
                raise ValueError(f"batching.padding: '{name}' is no sequence feature.{hint}")
            if self.sequence[name].type != "numeric" and not padding.value.is_integer():
                raise ValueError(f"batching.padding: '{name}' has ids, so its value is a whole number")
        known = _METRICS[self.label.type]
        for metric in self.evaluation.thresholds:
            if metric not in known:
                raise ValueError(f"evaluation.thresholds has no metric '{metric}' for {self.label.type}: use {known}")
        for key in self.evaluation.slices:
            if key not in self._context_keys | {self.label.key}:
                raise ValueError(f"evaluation.slices: '{key}' is neither a context feature nor the label")
        return self

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
    def _context_keys(self) -> set[str]:
        """Keys of the record's context that are features; the text whose tokens are the steps is one."""
        return {column.key for column in self.columns.values() if is_from_context(column)}

    @property
    def columns(self) -> dict[str, Column]:
        """All columns by the name of their transformed feature, in name order.

        The name is `context.x` or `sequence.x`, so a name may stand in both.
        """
        both = {f"context.{n}": c for n, c in self.context.items()}
        both |= {f"sequence.{n}": c for n, c in self.sequence.items()}
        return dict(sorted(both.items()))


def is_from_context(column: BaseColumn) -> bool:
    """The raw feature stands in the record's context; for the tokens of a text the steps still are a sequence."""
    return not column.is_sequence or (isinstance(column, TextColumn) and column.source == "context")
