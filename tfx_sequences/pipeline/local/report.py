"""Reports a run: a summary on the screen, an HTML page, and the same data as JSON."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfx_sequences.components.evaluation.thresholds import missed_thresholds
from tfx_sequences.components.numbers.chosen import choice_lines
from tfx_sequences.pipeline.local.diagnosis import Figures, Finding, diagnose
from tfx_sequences.pipeline.local.evaluation_figures import (
    confusion_table,
    learning_curve,
    metric_rows,
    naive_table,
    score_picture,
    table,
)
from tfx_sequences.pipeline.local.run import RunResult
from tfx_sequences.pipeline.local.tfma_page import tfma_page
from tfx_sequences.pipeline.local.training_lines import settings_line, training_line
from tfx_sequences.schemas.spec.auto_settings import with_settings
from tfx_sequences.schemas.spec.spec_io import fingerprint, spec_to_yaml
from tfx_sequences.schemas.spec.tuned_spec import tuned_spec
from tfx_sequences.whole_files import written_whole

if TYPE_CHECKING:
    from rich.console import Console

_INPUT_LOSSES = {
    "truncated": "records were truncated to max_length",
    "too_short": "records were dropped because they are shorter than drop_shorter_than",
    "too_long": "records were dropped because they are longer than drop_longer_than",
    "malformed": "records were dropped because they could not be parsed",
}


def write_report(result: RunResult, log_path: Path | None = None) -> dict[str, Any]:
    """Writes `report.json`, `report.html` and, of a pipeline, `tfma.html`: each completely or not at all.

    Returns:
        The contents of `report.json`.
    """
    report = collect(result, log_path)
    _write(result.layout.report_data, json.dumps(report, indent=1))
    _write(result.layout.report, render_html(report))
    if "Evaluator" in result.outputs:
        _write(result.layout.tfma_page, tfma_page(result.outputs["Evaluator"]["evaluation"], result.spec.name))
    return report


def collect(result: RunResult, log_path: Path | None = None) -> dict[str, Any]:
    """All metrics and counts of a run as plain data."""
    training = _read_json(result.outputs["SequenceTrainer"]["model_run"], "training.json")
    check = _read_json(result.outputs["ModelCheck"]["blessing"], "model_check.json")
    evaluation = _read_json(result.outputs["EvaluationCheck"]["figures"], "figures.json")
    naive = _read_json(result.outputs["EvaluationCheck"]["figures"], "naive.json")
    slices = evaluation["slices"]
    metrics, baseline = slices["all"], evaluation["baseline"].get("all", {})
    return {
        "name": result.spec.name,
        "fingerprint": fingerprint(result.spec),
        "blessed": result.blessed,
        "thresholds": {
            name: bounds.model_dump(exclude_none=True) for name, bounds in result.spec.evaluation.thresholds.items()
        },
        "missed": missed_thresholds(result.spec.evaluation, metrics, baseline) + check["failures"],
        "metrics": metrics,
        "naive": naive["figures"],
        "naive_left_out": naive["left_out"],
        "findings": [dataclasses.asdict(finding) for finding in _findings(result, training, metrics, naive["figures"])],
        "baseline": baseline,
        "counted": {name: evaluation[name] for name in ("records", "steps")},
        "slices": {name: values for name, values in slices.items() if name != "all"},
        "step_ranges": evaluation["step_ranges"].get("all", {}),
        "plots": evaluation["plots"].get("all", {}),
        "data": {name: split_figures(split) for name, split in result.data.splits.items()},
        "held_back": dict(result.data.held_back),
        "held_back_by": result.data.held_back_by,
        "unused": {"context": list(result.data.unused_context), "sequence": list(result.data.unused_sequence)},
        "training": training,
        "model_check": check,
        "components": [{"name": c.name, "seconds": round(c.seconds, 1), "cached": c.cached} for c in result.components],
        "seconds": {
            "check": round(result.check_seconds, 1),
            "start": round(result.start_seconds, 1),
            "components": round(sum(c.seconds for c in result.components), 1),
        },
        "predictions": result.outputs.get("BulkInferrer", {}).get("inference_result") if result.blessed else None,
        "pushed_model": str(result.pushed_model) if result.pushed_model else None,
        "report": str(result.layout.report),
        "metadata": str(result.layout.metadata) if "Evaluator" in result.outputs else None,
        "artifacts": str(result.layout.artifacts),
        "log": str(log_path) if log_path else "",
        "spec": spec_to_yaml(result.spec),
    }


def _findings(
    result: RunResult, training: dict[str, Any], metrics: dict[str, float], naive: dict[str, Any]
) -> list[Finding]:
    held_back = result.data.held_back.get("valid")
    figures = Figures(
        test=metrics,
        naive=naive,
        history=training["history"],
        best_epoch=training["best_epoch"],
        valid_records=result.data.splits["valid"].records if held_back is None else held_back,
        test_records=int(metrics["example_count"]),
    )
    leaks = [
        Finding("leak", leak.what, leak.expected, leak.received, leak.fix)
        for leak in result.data.leaks
        if leak.level == "warning"
    ]
    return leaks + diagnose(with_settings(tuned_spec(result.spec, training["tuned"]), training["settings"]), figures)


def split_figures(split: Any) -> dict[str, Any]:
    """A split of the data check as plain data."""
    return {
        "files": len(split.files),
        "records": split.records,
        "steps": split.steps,
        "length_min": split.length_min,
        "length_mean": round(split.length_mean, 2),
        "length_max": split.length_max,
        "zero_length": split.zero_length,
        "missing": {name: counts.words() for name, counts in split.missing.items()},
    }


def print_summary(report: dict[str, Any], console: Console) -> None:
    """Prints the result of a run: verdict, metrics, training, time, paths, and the findings."""
    from rich.text import Text

    if report["blessed"]:
        console.print(Text("Blessed and pushed.", "bold green"))
    else:
        console.print(Text("Not blessed and not pushed: " + "; ".join(report["missed"]) + ".", "bold red"))
    rows = [(f"test {name}", value) for name, value in metric_rows(report["metrics"], report["naive"])]
    training = report["training"]
    held_back = [s for s in ("valid", "test") if s not in report["data"]]
    records = ", ".join(f"{name} {figures['records']}" for name, figures in report["data"].items())
    if held_back:
        records += f" ({' and '.join(held_back)} taken from train, {report['held_back_by']})"
    rows += [
        ("records", records),
        *missing_lines(report["data"]),
        ("training", training_line(training)),
        *([("chosen", settings_line(training["settings"]))] if training["settings"] else []),
        ("padding ratio", f"{training['input']['train']['padding_share']:.1%} of the steps computed in training"),
        ("speed", speed_line(training)),
        *(("normalizer", line) for line in choice_lines(training["normalizers"])),
        *(("tuned", f"{path}: {value}") for path, value in training["tuned"].items() if "/" not in path),
        *(("warm start", line) for line in training["warm_start"]),
        *input_losses(training["input"]),
        *(("vectors", line) for line in training["pretrained_vectors"]),
        ("model check", _check_line(report["model_check"])),
        ("time", _time_line(report)),
        ("model", report["pushed_model"] or "not pushed"),
        *([("predictions", report["predictions"])] if report["predictions"] else []),
        ("report", report["report"]),
        *([("metadata", report["metadata"])] if report["metadata"] else []),
        ("log", report["log"]),
    ]
    width = max(15, *(len(name) + 1 for name, _ in rows))
    for name, text in rows:
        # Paths will be copied, so they are never wrapped.
        console.print(Text.assemble((f"{name:<{width}}", "bold"), text), soft_wrap=True)
    for finding in report["findings"]:
        console.print(Text(Finding(**finding).text, "yellow"), soft_wrap=True)
    unused = report["unused"]["context"] + report["unused"]["sequence"]
    if unused:
        console.print(
            Text(f"Not used, because they are in the data but not in the spec: {', '.join(unused)}.", "dim"),
            soft_wrap=True,
        )


def speed_line(training: dict[str, Any]) -> str:
    """Training speed, and where training resumed after an interruption.

    >>> speed_line({"speed": {"steps_per_second": 40.0, "real_steps_per_second": 25600.4}, "resumed_at": [3, 7]})
    '40.0 steps/s, 25,600 real steps/s; resumed in epoch 3 after step 7'
    """
    speed = training["speed"]
    parts = [f"{speed['steps_per_second']:,.1f} steps/s"]
    if "real_steps_per_second" in speed:
        parts.append(f"{speed['real_steps_per_second']:,.0f} real steps/s")
    line = ", ".join(parts)
    if not training["resumed_at"]:
        return line
    epoch, step = training["resumed_at"]
    return f"{line}; resumed in epoch {epoch} after step {step}"


def missing_lines(splits: dict[str, Any]) -> list[tuple[str, str]]:
    """What is missing of features and labels, one line per split that lacks something.

    >>> missing_lines({"train": {"missing": {"sequence.dose": "7 of 40 steps"}}, "test": {"missing": {}}})
    [('missing', 'train: sequence.dose, 7 of 40 steps')]
    """
    return [
        ("missing", f"{split}: " + "; ".join(f"{name}, {words}" for name, words in figures["missing"].items()))
        for split, figures in splits.items()
        if figures["missing"]
    ]


def input_losses(figures: dict[str, Any]) -> list[tuple[str, str]]:
    """What the input truncated or dropped, one line per split and kind.

    >>> input_losses({"train": {**dict.fromkeys(_INPUT_LOSSES, {"count": 0}), "too_long": {"count": 3}}})
    [('train input', '3 records were dropped because they are longer than drop_longer_than')]
    """
    return [
        (f"{split} input", f"{counts[what]['count']} {words}")
        for split, counts in figures.items()
        for what, words in _INPUT_LOSSES.items()
        if counts[what]["count"]
    ]


def render_html(report: dict[str, Any]) -> str:
    """The report as one self-contained HTML page."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(__package__),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template = environment.get_template("report.html.j2")
    return template.render(
        report=report,
        measured=table(
            {
                "this model": report["metrics"],
                **({"naive": best} if (best := _best(report["naive"])) else {}),
                **({"last blessed model": b} if (b := report["baseline"]) else {}),
            }
        ),
        naive_names={name: answers[0]["answer"] for name, answers in report["naive"].items()},
        naive=naive_table(report["naive"]),
        findings=[Finding(**finding) for finding in report["findings"]],
        slices=table(report["slices"]),
        step_ranges=table(report["step_ranges"]),
        plots=[
            (head, confusion_table(plots["confusion"]) if "confusion" in plots else None, score_picture(plots))
            for head, plots in report["plots"].items()
        ],
        missing=[text for _, text in missing_lines(report["data"])],
        normalizers=choice_lines(report["training"]["normalizers"]),
        input_losses=_INPUT_LOSSES,
        curve=learning_curve(report["training"]["history"]),
        check=_check_line(report["model_check"]),
        speed=speed_line(report["training"]),
        training=training_line(report["training"]),
        settings=settings_line(report["training"]["settings"]),
    )


def _best(naive: dict[str, Any]) -> dict[str, float]:
    """The best naive value of each metric."""
    return {name: answers[0]["value"] for name, answers in naive.items()}


def _check_line(check: dict[str, Any]) -> str:
    if check["failures"]:
        return "; ".join(check["failures"])
    largest = max(check["largest_difference"].values(), default=0.0)
    return (
        f"{check['records']} records in a fresh process with only TensorFlow, "
        f"largest difference from the trainer's predictions {largest:g}"
    )


def _time_line(report: dict[str, Any]) -> str:
    """Wall time and its breakdown: the check, the start, the slowest components."""
    seconds, components = report["seconds"], report["components"]
    line = f"{sum(seconds.values()):.0f} s: data check {seconds['check']:.0f}"
    if seconds["start"]:
        line += f", start of TFX {seconds['start']:.0f}"
    cached = sum(c["cached"] for c in components)
    if cached == len(components):
        return f"{line}; every component was cached ({cached} of {cached})"
    slow = sorted((c for c in components if c["seconds"] >= 1), key=lambda c: -c["seconds"])
    parts = [line, *(f"{c['name']} {c['seconds']:.0f}" for c in slow)]
    rest = seconds["components"] - sum(c["seconds"] for c in slow)
    return ", ".join([*parts, f"others {rest:.0f}"]) + (f"; {cached} components cached" if cached else "")


def _read_json(directory: str, name: str) -> Any:
    return json.loads(Path(directory, name).read_text("utf-8"))


def _write(path: Path, text: str) -> None:
    with written_whole(path) as file:
        file.write(text.encode())
