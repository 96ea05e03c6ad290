"""TFMA's view as a page: nothing that records or specs hold becomes HTML."""

import html.parser

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


def evaluated(folder, feature):
    """An evaluation of four rows, sliced by a feature of this name."""
    import pandas as pd

    rows = pd.DataFrame({"label": [0, 1, 0, 1], "prediction": [0.1, 0.8, 0.7, 0.9], feature: ["<b>", "x", "<b>", "x"]})
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
