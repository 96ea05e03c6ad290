"""`tfx-sequences submit`: sends a compiled pipeline to Vertex AI."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tfx_sequences.pipeline.commands.command_options import on_this_machine

if TYPE_CHECKING:
    from tfx_sequences.pipeline.commands.capture import Capture


def submit_command(
    pipeline: Annotated[str, typer.Argument(metavar="PIPELINE", help="A file written by tfx-sequences compile.")],
    project: Annotated[str, typer.Option("--project", metavar="ID", help="The Google Cloud project.")],
    region: Annotated[
        str, typer.Option("--region", metavar="NAME", help="The Vertex AI region, such as europe-west4.")
    ],
    service_account: Annotated[
        str | None, typer.Option("--service-account", metavar="EMAIL", help="The account that the containers run as.")
    ] = None,
    network: Annotated[
        str | None, typer.Option("--network", metavar="NAME", help="Full name of the network to peer with.")
    ] = None,
    label: Annotated[
        list[str] | None, typer.Option("--label", metavar="KEY=VALUE", help="A label of the job. May be repeated.")
    ] = None,
    data: Annotated[
        str | None, typer.Option("--data", metavar="URI", help="The records to use, instead of the compiled ones.")
    ] = None,
    output_root: Annotated[
        str | None,
        typer.Option("--output-root", metavar="URI", help="The output root to use, instead of the compiled one."),
    ] = None,
    training_steps: Annotated[
        int | None,
        typer.Option(min=0, metavar="N", help="Maximum number of training steps; 0 leaves the limit to the spec."),
    ] = None,
    cache: Annotated[
        bool | None,
        typer.Option("--cache/--no-cache", help="Whether to reuse results of earlier runs. [default: as compiled]"),
    ] = None,
    job_id: Annotated[
        str | None,
        typer.Option("--job-id", metavar="ID", help="The job's ID; by default the pipeline's name and the time."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the whole request as JSON; send nothing.")] = False,
) -> None:
    """Send a compiled pipeline to Vertex AI.

    The file is checked first. --dry-run needs neither network access nor an account.
    """
    from tfx_sequences.pipeline.commands.supervision import supervised

    def work(capture: Capture) -> int:
        import json

        from tfx_sequences.pipeline.cloud.submission import Submission, VertexJob, parse_labels

        submission = Submission(
            project=project,
            region=region,
            service_account=service_account,
            network=network,
            labels=parse_labels(label or []),
            data=data,
            output_root=output_root,
            training_steps=training_steps,
            caching=cache,
            job_id=job_id,
        )
        file = on_this_machine("pipeline", pipeline)
        if dry_run:
            request = VertexJob(file, submission, anonymous=True).request()
            capture.stdout.write(json.dumps(request, indent=2, sort_keys=True) + "\n")
            capture.stdout.flush()
            return 0
        job = VertexJob(file, submission)
        capture.console.print(f"Submitted: {job.submit()}\n{job.console_url}", soft_wrap=True, markup=False)
        return 0

    raise typer.Exit(supervised(work))
