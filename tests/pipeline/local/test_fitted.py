"""`tfs.fit` takes a spec or its file, and says what is wrong with it; `test_fit.py` tests the model."""

from pathlib import Path

import pytest

import tfx_sequences as tfs

DATA = Path(tfs.__file__).parent / "examples_data" / "japanese_vowels"


def test_a_spec_can_be_a_file(tmp_path):
    (tmp_path / "spec.yaml").write_text("name: s\nsequence: {lpc: {type: numerik}}\nlabel: {key: speaker}\n")
    with pytest.raises(tfs.SpecError, match="numerik"):
        tfs.fit(tmp_path / "spec.yaml", DATA, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_records_are_checked_before_anything_is_written(tmp_path):
    spec = tfs.SequenceSpec(name="s", sequence={"lcp": {"type": "numeric"}}, label={"key": "speaker"})
    with pytest.raises(tfs.DataError, match="lcp"):
        tfs.fit(spec, str(DATA), str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()
