"""`tfx-sequences fit` says what is wrong before it writes anything; `tests/pipeline/local` tests what it computes."""

from pathlib import Path

import pytest

DATA = Path(__file__).parents[3] / "tfx_sequences" / "examples_data" / "japanese_vowels"


@pytest.mark.parametrize(
    ("spec", "data", "told"),
    [
        ("japanese_vowels", DATA / "missing", "The data folder does not exist."),
        ("missing.yaml", DATA, "missing.yaml"),
    ],
)
def test_invalid_input_is_named_and_nothing_is_written(command, tmp_path, spec, data, told):
    done = command("fit", spec, "--data", data, "--output", tmp_path / "out", cwd=tmp_path)
    assert done.returncode == 2 and told in done.stderr
    assert not (tmp_path / "out").exists()


def test_the_output_is_on_this_machine(command, tmp_path):
    done = command("fit", "japanese_vowels", "--data", DATA, "--output", "gs://bucket/out", cwd=tmp_path)
    assert done.returncode == 2 and "gs://bucket/out" in done.stderr
