from tests.everything import everything_spec
from tfx_sequences.schemas.spec.spec_diff import contents_of, spec_changes
from tfx_sequences.schemas.spec.spec_io import spec_from_json, spec_to_json


def changes(**sections):
    """What is told of the spec with every kind of column and the same with some sections changed."""
    before = everything_spec()
    return spec_changes(contents_of(before), contents_of(before.model_copy(update=sections)))


def with_column(section, name, **fields):
    columns = dict(getattr(everything_spec(), section))
    return {section: {**columns, name: columns[name].model_copy(update=fields)}}


def test_equal_specs_do_not_differ():
    spec = everything_spec()
    assert spec_changes(contents_of(spec), contents_of(spec_from_json(spec_to_json(spec)))) == []


def test_a_changed_column_is_told_by_name_field_and_values():
    [change] = changes(**with_column("sequence", "url", hash_bucket_size=7))
    assert (str(change), change.decides) == ("sequence.url: hash_bucket_size was 5, is 7", True)
    [change] = changes(**with_column("context", "city", lowercase=False))
    assert str(change) == "context.city: lowercase was true, is false"


def test_new_and_gone_columns_are_told():
    context = dict(everything_spec().context)
    del context["tags"]
    [change] = changes(context=context)
    assert (str(change), change.decides) == ("context.tags: removed (categorical)", True)
    [change] = spec_changes(contents_of(everything_spec(context=context)), contents_of(everything_spec()))
    assert str(change) == "context.tags: new (categorical)"


def test_how_it_is_trained_decides_nothing():
    spec = everything_spec()
    [change] = changes(training=spec.training.model_copy(update={"epochs": 9}))
    assert (str(change), change.decides) == ("training: epochs was 2, is 9", False)
    [change] = changes(label=spec.label.model_copy(update={"label_smoothing": 0.1}))
    assert (change.where, change.decides) == ("label", False)
    [change] = changes(label=spec.label.model_copy(update={"key": "sort"}))
    assert (str(change), change.decides) == ('label: key was "kind", is "sort"', True)


def test_where_sequences_are_cut_decides_and_batch_sizes_do_not():
    batching = everything_spec().batching
    [change] = changes(batching=batching.model_copy(update={"max_length": 4}))
    assert (str(change), change.decides) == ("batching: max_length was null, is 4", True)
    [change] = changes(batching=batching.model_copy(update={"batch_size": 4}))
    assert not change.decides


def test_files_are_compared_by_contents_not_by_place(tmp_path):
    files = {}
    for name, terms in (("a", "x\ny\n"), ("b", "x\ny\n"), ("c", "x\nz\n")):
        (tmp_path / name).write_text(terms)
        column = {"type": "categorical", "vocabulary_file": str(tmp_path / name)}
        files[name] = contents_of(everything_spec(sequence={"token": column}))
    assert spec_changes(files["a"], files["b"]) == []
    [change] = spec_changes(files["a"], files["c"])
    assert str(change) == "sequence.token: vocabulary_file has different contents"
