"""Lines of predictions for files of rows, as `tfx-sequences predict` writes them."""

from __future__ import annotations

import enum
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfx_sequences.errors import UserInputError

if TYPE_CHECKING:
    from tfx_sequences.components.records.paths import AnyPath
    from tfx_sequences.components.serving.predictor import Failures
    from tfx_sequences.pipeline.commands.capture import Capture


class Join(str, enum.Enum):
    """How the answers for several windows become one."""

    mean = "mean"
    max = "max"
    vote = "vote"


def check_row_options(of_rows: bool, output: Path | None, join: Join | None, beam: bool) -> None:
    """Checks options that are for rows only, or not for rows.

    Args:
        of_rows: Whether the data are rows.
        output: The file of the predictions.
        join: `--join`.
        beam: Whether Beam is to predict.

    Raises:
        UserInputError: An option does not fit.
    """
    if not of_rows:
        if join is not None:
            raise UserInputError(
                "Windows can be joined only if the data are rows.",
                expected="rows, which say which records are windows of one session",
                received="records",
                fix="Leave out --join.",
            )
        return
    if beam:
        raise UserInputError(
            "Beam predicts records, not rows.",
            expected="records, for predictions with Beam",
            received="rows",
            fix="Write records with 'tfx-sequences ingest', or leave out the options of Beam.",
        )
    if output is not None and "tfrecord" in output.name.lower():
        raise UserInputError(
            "Predictions of rows are not written as records.",
            expected="a file of another name: .parquet, or any for JSON lines",
            received=output.name,
            fix="Choose another --output.",
        )


class RowLines:
    """The lines for files of rows, with the keys of the rows.

    Args:
        model: The model's folder.
        data: The rows.
        output: The file of the predictions; temporary files are made beside it.
        failures: Gets the records without a prediction; None: the first is an error.
        join: How the answers for the windows of a session become one.
        limit: Maximum number of records, or of sessions if they are joined.
        top_k: As in `predict_files`.
    """

    def __init__(
        self,
        model: AnyPath,
        data: AnyPath,
        output: Path | None,
        failures: Failures | None,
        join: Join | None,
        limit: int | None,
        top_k: int | None = None,
    ) -> None:
        from tfx_sequences.components.rows.row_counts import RowCounts
        from tfx_sequences.components.serving.loaded_model import load_model
        from tfx_sequences.components.serving.row_file_prediction import predict_row_files

        self._model, self._counts, self._top_k = load_model(model), RowCounts(), top_k
        folder = output.resolve().parent if output else None
        self._answers = itertools.islice(
            predict_row_files(
                self._model,
                data,
                folder,
                on_failure=failures,
                join=join.value if join else None,
                counts=self._counts,
            ),
            limit,
        )

    def __iter__(self) -> Iterator[dict[str, Any]]:
        from tfx_sequences.components.serving.row_answers import lines_of

        return (line for record in self._answers for line in lines_of(record, self._model.spec, top_k=self._top_k))

    def tell(self, capture: Capture) -> None:
        """Says which rows do not have predictions."""
        from tfx_sequences.components.serving.row_file_prediction import line_count

        said = "\n".join([line_count(self._counts), *(f"Rejected: {row}" for row in self._counts.first)]).strip()
        if said:
            capture.error_console.print(said, soft_wrap=True, markup=False, highlight=False)
