"""TFMA's own view of an evaluation as a standalone page, without a notebook: its web component and data."""

from __future__ import annotations

import base64
import html
import json
from importlib import resources

from tfx_sequences.schemas.spec.length_ranges import range_of_name

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{name}: TFMA</title>
<script>{component}</script>
</head>
<body>
{views}
<script>
const views = JSON.parse(new TextDecoder().decode(Uint8Array.from(atob("{data}"), c => c.charCodeAt(0))));
views.forEach((view, number) => {{
  const element = document.getElementById("view" + number);
  element.config = view.config;
  element.data = view.data;
}});
</script>
</body>
</html>
"""


def tfma_page(directory: str, name: str) -> str:
    """The page: a view of all records, and one for each slicing feature.

    Its tables and charts are drawn with Google Charts, which the browser downloads: without a network they stay empty.

    Args:
        directory: The Evaluator's output `evaluation`.
        name: Name of the evaluated model, for the title.
    """
    import tensorflow_model_analysis as tfma
    from tensorflow_model_analysis.view import util

    # If there are two models, the first is the candidate.
    config = tfma.load_eval_result(directory).config
    model_name = config.model_specs[0].name or None
    result = tfma.load_eval_result(directory, model_name=model_name)
    columns = sorted({feature for key, _ in result.slicing_metrics for feature, _ in key})
    views = [
        {
            "config": util.get_slicing_config(result.config),
            "data": _in_order(util.get_slicing_metrics(result.slicing_metrics, column)),
        }
        for column in (None, *columns)
    ]
    script = resources.files("tensorflow_model_analysis") / "static" / "vulcanized_tfma.js"
    headings = ("all records", *columns)
    return _PAGE.format(
        name=html.escape(name),
        # Escapes what would end the script element.
        component=script.read_text("utf-8").replace("</script", "<\\/script"),
        views="\n".join(
            f'<h2>{html.escape(heading)}</h2>\n<tfma-nb-slicing-metrics id="view{number}"></tfma-nb-slicing-metrics>'
            for number, heading in enumerate(headings)
        ),
        data=base64.b64encode(json.dumps(views, default=str).encode()).decode(),
    )


def _in_order(rows: list[dict]) -> list[dict]:
    """Sorts length ranges by size, and other slices by name; escapes the names, which the component draws as HTML."""

    def order(row: dict) -> tuple[int, str]:
        value = str(row.get("slice", "")).partition(":")[2]
        try:
            return range_of_name(value)[0], value
        except ValueError:
            return 0, value

    return [{**row, "slice": html.escape(str(row.get("slice", "")))} for row in sorted(rows, key=order)]
