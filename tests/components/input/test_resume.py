import pytest
import tensorflow as tf

from tests.components.input.small_inputs import make_input, make_spec, write
from tfx_sequences.components.input.input_state import InputState
from tfx_sequences.components.input.resume import assert_resumable
from tfx_sequences.errors import UserInputError

LENGTHS = [(7 * i) % 11 for i in range(45)]
BATCHING = {"batch_size": 4, "num_buckets": 3, "shuffle_buffer": 12, "max_length": 8, "truncate": "random"}


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("workers", [1, 2])
def test_the_input_goes_on_at_every_step(tmp_path, training, workers):
    spec = make_spec(batching=BATCHING)
    files = write(tmp_path, LENGTHS, 3)

    def made():
        return make_input(files, spec, LENGTHS, training=training, num_workers=workers, worker=workers - 1)

    assert assert_resumable(made) > 12 // workers


def test_it_goes_on_in_later_epochs_and_more_than_once(tmp_path):
    spec = make_spec(batching=BATCHING)
    files = write(tmp_path, LENGTHS, 2, suffix="")
    whole = make_input(files, spec, LENGTHS)
    expected = [label.numpy().tolist() for _ in range(3) for _, label, _ in whole]
    seen, state = [], None
    while len(seen) < len(expected):
        made = make_input(files, spec, LENGTHS)
        if state:
            made.restore(InputState.from_json(state))
        while made.epoch < 3 and len(seen) < len(expected):
            for _, label, _ in made:
                seen.append(label.numpy().tolist())
                if len(seen) % 7 == 0:
                    break
            else:
                continue
            break
        state = made.state().to_json()
        if made.step:
            assert made.state().position is None or made.state().position["batches"] <= made.step
    assert seen == expected
    assert made.finished[-1].records == whole.finished[-1].records
    assert made.finished[-1] == whole.finished[-1]


def test_a_state_is_small_and_reading_begins_near_it(tmp_path):
    lengths = LENGTHS * 20
    files = write(tmp_path, lengths, 4)
    made = make_input(files, make_spec(batching=BATCHING), lengths)
    batches = iter(made)
    for _ in range(150):
        next(batches)
    state = made.state()
    assert len(state.to_json()) < 2000
    assert 140 < state.position["batches"] <= 150


def test_a_state_of_another_input_is_refused(tmp_path):
    files = write(tmp_path, LENGTHS)
    state = make_input(files, make_spec(), LENGTHS).state()
    with pytest.raises(UserInputError, match="belongs to a different input"):
        make_input(files, make_spec(batching={"batch_size": 7}), LENGTHS).restore(state)
    with pytest.raises(UserInputError, match="a different number of workers"):
        make_input(files, make_spec(), LENGTHS, num_workers=2).restore(state)


def test_an_input_that_forgets_its_place_is_found_out(tmp_path):
    class Forgetful(type(make_input(write(tmp_path, [1]), make_spec(), [1]))):
        def restore(self, state):
            self.begin(state.epoch, max(0, state.step - 1))

    def made():
        forgetful = make_input(write(tmp_path, LENGTHS), make_spec(batching=BATCHING), LENGTHS)
        forgetful.__class__ = Forgetful
        return forgetful

    with pytest.raises(AssertionError, match="Interrupted after 1 steps, the input gave"):
        assert_resumable(made, steps=3)


def test_datasets_of_users_are_checked_by_their_checkpoints():
    assert assert_resumable(lambda: tf.data.Dataset.range(6).batch(2)) == 4
    random = iter(range(1000))

    def unseeded():
        return tf.data.Dataset.range(6).shuffle(6, seed=next(random), reshuffle_each_iteration=False)

    with pytest.raises(AssertionError, match="differs"):
        assert_resumable(unseeded)
