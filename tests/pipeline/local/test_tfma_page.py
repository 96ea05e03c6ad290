"""TFMA's view as a page: nothing that records or specs hold becomes HTML."""

import base64
import html
import html.parser
import json
import re

import pytest

tfma = pytest.importorskip("tensorflow_model_analysis")

from tfx_sequences.pipeline.local.tfma_page import tfma_page  # noqa: E402


class Elements(html.parser.HTMLParser):
    """The elements of a page, and the text of its headings."""

    def __init__(self):
        super().__init__()
        self.names, self.headings, self._open = [], [], None

    def handle_starttag(self, tag, attrs):
        self.names.append(tag)
        self._open = tag

    def handle_data(self, data):
        if self._open in ("h2", "title"):
            self.headings.append(data.strip())

    def handle_endtag(self, tag):
        self._open = None


def evaluated(folder, feature, value="<b>"):
    """An evaluation of four rows, sliced by a feature of this name, of which two have this value."""
    import pandas as pd

    rows = pd.DataFrame({"label": [0, 1, 0, 1], "prediction": [0.1, 0.8, 0.7, 0.9], feature: [value, "x", value, "x"]})
    config = tfma.EvalConfig(
        model_specs=[tfma.ModelSpec(label_key="label", prediction_key="prediction")],
        slicing_specs=[tfma.SlicingSpec(), tfma.SlicingSpec(feature_keys=[feature])],
        metrics_specs=[tfma.MetricsSpec(metrics=[tfma.MetricConfig(class_name="BinaryAccuracy")])],
    )
    tfma.analyze_raw_data(rows, config, output_path=str(folder))


def test_names_are_shown_and_not_interpreted(tmp_path):
    feature, name = "<img src=x onerror=alert(1)>", "a & <i>b</i>"
    evaluated(tmp_path, feature)
    page = Elements()
    page.feed(tfma_page(str(tmp_path), name))
    assert feature in page.headings
    assert f"{name}: TFMA" in page.headings
    assert not {"img", "i", "b"} & set(page.names)


def test_names_of_slices_are_not_html_in_the_table(tmp_path):
    value = "<script>alert(1)</script>"
    evaluated(tmp_path, "town", value)
    page = tfma_page(str(tmp_path), "s")
    [data] = re.findall(r'atob\("([^"]*)"\)', page)
    # The component gives them to a table of Google Charts with `allowHtml`.
    assert "allowHtml:!0" in page
    slices = [row["slice"] for view in json.loads(base64.b64decode(data)) for row in view["data"]]
    assert [html.unescape(name) for name in slices] == ["Overall", f"town:{value}", "town:x"]
    assert not any("<" in name for name in slices)
    assert value not in page
