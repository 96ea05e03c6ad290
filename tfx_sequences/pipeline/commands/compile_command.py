"""`tfx-sequences compile`: writes a spec's pipeline to a file that Vertex AI or Kubeflow Pipelines runs."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tfx_sequences.pipeline.commands.command_options import UntrustedOption, on_this_machine

if TYPE_CHECKING:
    from tfx_sequences.pipeline.commands.capture import Capture
    from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

_FORMATS = {".json": False, ".yaml": True, ".yml": True}


class RunnerName(str, Enum):
    """Where the pipeline will run."""

    vertex = "vertex"
    kubeflow = "kubeflow"


def compile_command(
    spec: Annotated[str, typer.Argument(metavar="SPEC", help="A spec's YAML file, or the name of a bundled spec.")],
    data: Annotated[
        str,
        typer.Option("--data", metavar="URI", help="Folder of TFRecords or rows, readable by the containers."),
    ],
    output_root: Annotated[
        str,
        typer.Option("--output-root", metavar="URI", help="Folder for all output: artifacts, pushed models."),
    ],
    runner: Annotated[RunnerName, typer.Option("--runner", help="Where the pipeline will run.")],
    image: Annotated[str, typer.Option("--image", metavar="IMAGE", help="Container image with this package.")],
    output: Annotated[
        str | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Write to this file (.json, .yaml) instead of standard output."
        ),
    ] = None,
    deployment: Annotated[
        str | None,
        typer.Option("--deployment", metavar="FILE", help="YAML with machines and Beam options by component."),
    ] = None,
    splits: Annotated[
        str | None,
        typer.Option(
            "--splits",
            metavar="NAMES",
            help="Splits with files in a remote data folder, such as train,test; the others are taken from train.",
        ),
    ] = None,
    rows: Annotated[
        bool,
        typer.Option(
            "--rows", help="The data are rows, as the spec's `rows` say. Without it, a folder on this machine says it."
        ),
    ] = False,
    training_steps: Annotated[
        int, typer.Option(min=0, metavar="N", help="Maximum number of training steps; 0 leaves the limit to the spec.")
    ] = 0,
    untrusted: UntrustedOption = False,
) -> None:
    """Compile the pipeline for Vertex AI or Kubeflow Pipelines.

    Nothing is submitted. Each run can set the data, the output root and the training steps to other values.
    """
    from tfx_sequences.pipeline.commands.supervision import supervised

    def work(capture: Capture) -> int:
        from tfx_sequences.compat import check_environment
        from tfx_sequences.pipeline.cloud.compiled_spec import require_kfp
        from tfx_sequences.pipeline.commands.output_file import check_output_file, output_stream
        from tfx_sequences.schemas.spec.deployment import load_deployment
        from tfx_sequences.schemas.spec.spec_io import load_spec

        check_environment(needs_tfx=True)
        require_kfp()
        target = on_this_machine("output", output)
        check_output_file(target)
        as_yaml = _is_yaml(target, runner)
        loaded = load_spec(spec, untrusted=untrusted)
        machines = load_deployment(on_this_machine("deployment", deployment)) if deployment else None
        root = output_root if "://" in output_root else str(Path(output_root).resolve())
        of_rows = _is_rows(loaded, data, rows)
        folder, with_files = _data(loaded, data, root, splits, of_rows)
        if splits is None and not of_rows:
            from tfx_sequences.components.records.files import with_patterns_found

            loaded = loaded.model_copy(update={"splits": with_patterns_found(folder, loaded.splits)})
        from tfx_sequences.pipeline.cloud.compilation import compile_pipeline, to_text
        from tfx_sequences.pipeline.cloud.compiled_spec import pipeline_spec_of

        document = compile_pipeline(
            loaded,
            data=folder,
            output_root=root,
            image=image,
            runner=runner.value,
            splits_with_files=with_files,
            training_steps=training_steps,
            deployment=machines,
            of_rows=of_rows,
        )
        with output_stream(target, instead=capture.stdout) as file:
            file.write(to_text(document, as_yaml=as_yaml))
        if output is not None:
            tasks = pipeline_spec_of(document)["root"]["dag"]["tasks"]
            told = f"Pipeline of {len(tasks)} tasks written to {output}; splits with files: {', '.join(with_files)}."
            capture.error_console.print(told, soft_wrap=True, markup=False)
        return 0

    raise typer.Exit(supervised(work))


def _is_yaml(output: Path | None, runner: RunnerName) -> bool:
    from tfx_sequences.errors import UserInputError

    if output is None:
        return runner is RunnerName.kubeflow
    suffix = output.suffix.lower()
    if suffix not in _FORMATS:
        raise UserInputError(
            f"The format of the output {output} is unknown.",
            expected=f"a file name that ends in {', '.join(_FORMATS)}",
            received=f"'{output.suffix}'" if output.suffix else "a name without a suffix",
            fix="Rename it: pipeline.json for Vertex AI, pipeline.yaml for Kubeflow.",
        )
    return _FORMATS[suffix]


def _is_rows(spec: SequenceSpec, data: str, given: bool) -> bool:
    """Whether the pipeline begins with rows.

    Raises:
        SpecError: It should, but the spec does not say how rows become records.
    """
    from tfx_sequences.components.rows.row_plan import RowPlan
    from tfx_sequences.pipeline.local.row_data import has_rows

    if given:
        RowPlan.of(spec)
    is_table = spec.rows is not None and spec.rows.format == "bigquery"
    return given or is_table or ("://" not in data and has_rows(spec, data))


def _data(
    spec: SequenceSpec, data: str, output_root: str, splits: str | None, of_rows: bool
) -> tuple[str, tuple[str, ...]]:
    """The data folder as the containers see it, and the splits that have files there."""
    from tfx_sequences.components.records.files import SPLITS, find_split_files
    from tfx_sequences.errors import UserInputError, did_you_mean

    if spec.rows is not None and spec.rows.format == "bigquery":
        return data, ("train",)
    if "://" not in data and "://" in output_root:
        raise UserInputError(
            "The data folder is on this machine, which the containers cannot read.",
            expected="a URI, such as gs://bucket/records",
            received=f"--data {data}",
            fix="Copy the records to a place that the containers can read, and give its URI.",
        )
    if splits is not None:
        named = [name.strip() for name in splits.split(",")]
        for name in named:
            if name not in SPLITS:
                raise UserInputError(
                    f"Unknown split '{name}'.",
                    expected=f"a list of {', '.join(SPLITS)}",
                    received=f"--splits {splits}",
                    fix=f"Correct --splits.{did_you_mean(name, SPLITS)}",
                )
        if "train" not in named:
            raise UserInputError(
                "The training split must have files.", expected="--splits with train", received=f"--splits {splits}"
            )
        return data, tuple(name for name in SPLITS if name in named)
    if "://" in data:
        raise UserInputError(
            "The data folder is remote, so you must say which splits have files in it.",
            expected="--splits train, --splits train,test, or --splits train,valid,test",
            received=f"--data {data} without --splits",
            fix="Add --splits. The records of a split that it does not name are taken from the training records.",
        )
    folder = Path(data).resolve()
    if of_rows:
        from tfx_sequences.components.rows.row_files import find_row_files

        rows = spec.rows
        files = find_row_files(folder, spec.splits, rows.format if rows else None)
        of_files = {file.split for file in files}
        return str(folder), tuple(name for name in SPLITS if name in of_files)
    found = find_split_files(folder, spec.splits)
    return str(folder), tuple(name for name, files in found.items() if files)
