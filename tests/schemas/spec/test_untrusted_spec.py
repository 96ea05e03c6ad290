"""A spec that nobody has read may not reach beyond the records."""

import pytest

from tfx_sequences.errors import SpecError
from tfx_sequences.schemas.spec.spec_io import bundled_names, load_spec
from tfx_sequences.schemas.spec.untrusted_spec import reaches

COLUMN = "{type: categorical, vocabulary_list: [a, b], num_oov_buckets: 1, embedding: {%s}}"


def text_of(more="", column="{type: numeric}"):
    return f"name: s\nsequence: {{x: {column}}}\nlabel: {{key: y}}\n{more}\n"


OWN_LOSS = "name: s\nsequence: {x: {type: numeric}}\nlabel: {key: y, type: regression, loss: os.system}\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (text_of("model: {builder: os.system}"), "model.builder: imports and calls os.system"),
        (OWN_LOSS, "label.loss: imports and calls os.system"),
        (text_of("training: {warm_start: /models/a}"), "training.warm_start: loads the model /models/a"),
        (text_of("training: {backup: {folder: /home}}"), "training.backup.folder: writes and deletes files in /home"),
        (text_of("splits: {train: ../secret*}"), "splits.train: reads ../secret*"),
        (text_of("splits: {valid: /etc/*}"), "splits.valid: reads /etc/*"),
        (
            text_of(column="{type: categorical, vocabulary_file: missing.txt, num_oov_buckets: 1}"),
            "sequence.x.vocabulary_file: reads the file missing.txt",
        ),
        (
            text_of(column=COLUMN % "vectors_file: missing.txt, dimension: 2"),
            "sequence.x.embedding.vectors_file: reads the file missing.txt",
        ),
    ],
)
def test_what_reaches_out_is_refused_before_it_is_looked_at(tmp_path, text, words):
    file = tmp_path / "spec.yaml"
    file.write_text(text)
    with pytest.raises(SpecError) as refused:
        load_spec(file, untrusted=True)
    assert words in str(refused.value) and "reaches beyond the records" in str(refused.value)
    assert str(file) in str(refused.value)


def test_other_specs_are_allowed(tmp_path):
    file = tmp_path / "spec.yaml"
    file.write_text(text_of("training: {backup: {every_steps: 5}}\nsplits: {train: a/b*}"))
    assert load_spec(file, untrusted=True) == load_spec(file)
    for name in bundled_names():
        assert reaches(load_spec(name, untrusted=True)) == []


def test_the_command_line_passes_it_on(tmp_path, command):
    file = tmp_path / "spec.yaml"
    file.write_text(text_of("model: {builder: os.system}"))
    for words in (
        ["check", file, "--data", tmp_path],
        ["fit", file, "--data", tmp_path, "--output", tmp_path / "out"],
        ["ingest", file, "--data", tmp_path, "--output", tmp_path / "out"],
    ):
        done = command(*words, "--untrusted")
        assert done.returncode == 2 and "model.builder: imports and calls os.system" in done.stderr, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["spec.yaml"]
