"""What specs with features and label alone reach, against the plain Keras baseline of each set's card.

    python benchmarks/defaults.py DATA --seeds 5
    python benchmarks/defaults.py DATA --examples --only japanese_vowels

DATA is the folder of data sets, a folder for each with its records and its card, `dataset.json`. A run is a whole
run of `tfx-sequences`; the seeds of a set share an output folder, so that only the first one transforms the records.
Nothing is set but the seed. With `--examples` the specs are those of `examples`.
"""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
import yaml

EXAMPLES = Path(__file__).parents[1] / "examples"


def forecast(horizon: int) -> dict[str, Any]:
    """The label of a forecast of `value`."""
    return {"key": "future", "type": "forecast", "horizon": horizon, "target": "value", "mase_scale": "scale"}


SPECS: dict[str, dict[str, Any]] = {
    "japanese_vowels": {"sequence": {"lpc": {"type": "numeric", "shape": [12]}}, "label": {"key": "speaker"}},
    "sentence_polarity": {"sequence": {"token": {"type": "categorical"}}, "label": {"key": "polarity"}},
    "snips": {
        "sequence": {"token": {"type": "categorical"}},
        "labels": {"slot": {"key": "slot", "per_step": True}, "intent": {"key": "intent"}},
    },
    "jsb_chorales": {
        "sequence": {"frame": {"type": "numeric", "shape": [88]}},
        "label": {"key": "next_frame", "type": "multi_label", "per_step": True, "shape": [88]},
    },
    "m4_weekly": {"sequence": {"value": {"type": "numeric"}}, "label": forecast(13)},
    "m1_yearly": {"sequence": {"value": {"type": "numeric"}}, "label": forecast(6)},
    "cmudict": {"sequence": {"letter": {"type": "categorical"}}, "label": {"key": "num_syllables", "dtype": "int64"}},
}


@dataclasses.dataclass(frozen=True)
class Figure:
    """A figure of a set.

    Attributes:
        name: In the run's report.
        baseline: Place in the card's list of plain baselines, and key there.
        less_is_better: Less of it is better.
    """

    name: str
    baseline: tuple[int, str]
    less_is_better: bool = False


FIGURES = {
    "japanese_vowels": [Figure("accuracy", (0, "test_accuracy"))],
    "sentence_polarity": [Figure("accuracy", (0, "test_accuracy"))],
    "snips": [Figure("slot.span_f1", (1, "test_span_f1")), Figure("intent.accuracy", (0, "test_accuracy"))],
    "jsb_chorales": [Figure("loss", (0, "test_nll_per_frame"), less_is_better=True)],
    "m4_weekly": [Figure("smape", (0, "sMAPE"), less_is_better=True)],
    "m1_yearly": [Figure("smape", (0, "test_smape"), less_is_better=True)],
    "cmudict": [Figure("accuracy", (0, "test_accuracy"))],
}


def spec_of(name: str, seed: int, examples: bool) -> dict[str, Any]:
    """The spec of a run, as plain data."""
    if not examples:
        return {"name": name, **SPECS[name], "training": {"seed": seed}}
    spec = yaml.safe_load((EXAMPLES / name / "spec.yaml").read_text("utf-8"))
    spec["training"] = {**spec.get("training", {}), "seed": seed}
    # A model below its thresholds would end the command with 1.
    spec.pop("evaluation", None)
    return spec


def run(spec: dict[str, Any], data: Path, output: Path) -> tuple[dict[str, float], float]:
    """A run's figures on the test split, and its wall seconds."""
    output.mkdir(parents=True, exist_ok=True)
    file = output / "spec.yaml"
    file.write_text(yaml.safe_dump(spec), "utf-8")
    started = time.monotonic()
    arguments = [sys.executable, "-m", "tfx_sequences", "run", str(file), "--data", str(data), "--output", str(output)]
    subprocess.run([*arguments, "--quiet"], check=True)
    seconds = time.monotonic() - started
    return json.loads((output / "report.json").read_text("utf-8"))["metrics"], seconds


def line(name: str, figure: Figure, values: list[float], seconds: list[float], card: dict[str, Any]) -> str:
    """A row of the table."""
    place, key = figure.baseline
    baseline = card["plain_keras_baseline"][place][key]
    change = np.mean(values) / baseline - 1
    better = -change if figure.less_is_better else change
    reached = f"{np.mean(values):.4f} ± {np.std(values):.4f}"
    wall = f"{seconds[0]:.0f} s" + (f", then {np.mean(seconds[1:]):.0f} s" if len(seconds) > 1 else "")
    return f"| {name} | {figure.name} | {reached} | {baseline:.4f} | {better:+.2%} | {wall} |"


def main(
    data: Annotated[Path, typer.Argument(help="Folder of the data sets.", exists=True, file_okay=False)],
    seeds: Annotated[int, typer.Option(help="How many, from 0.")] = 5,
    only: Annotated[list[str] | None, typer.Option(help="These sets; may be repeated.")] = None,
    examples: Annotated[bool, typer.Option("--examples", help="The specs of `examples`.")] = False,
    output: Annotated[Path | None, typer.Option(help="Folder for the runs; by default a temporary one.")] = None,
) -> None:
    """Prints the table, a row as soon as its runs are done."""
    print("| data set | figure | mean of the seeds ± deviation | plain Keras | better by | wall time |")
    print("|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory(prefix="tfx-sequences-") as scratch:
        for name in only or list(SPECS):
            card = json.loads((data / name / "dataset.json").read_text("utf-8"))
            folder = (output or Path(scratch)) / name
            done = [run(spec_of(name, seed, examples), data / name, folder) for seed in range(seeds)]
            for figure in FIGURES[name]:
                values = [metrics[figure.name] for metrics, _ in done]
                print(line(name, figure, values, [seconds for _, seconds in done], card), flush=True)


if __name__ == "__main__":
    typer.run(main)
