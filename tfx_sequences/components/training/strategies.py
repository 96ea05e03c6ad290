"""`tf.distribute` strategies by name: data-parallel replicas, each with its share of the batches.

With `R` replicas a step takes `R` batches, one for each; gradients are summed over them. `mirrored` has a replica for
each device of this machine: the GPUs or, where there are none, the logical CPUs. `multi_worker` has one process for
each worker, which all run the same spec; TensorFlow reads who they are from the environment variable TF_CONFIG:

    {"cluster": {"worker": ["host1:2222", "host2:2222"]}, "task": {"type": "worker", "index": 0}}
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from tfx_sequences.components.input.epoch_source import EpochSource
from tfx_sequences.components.input.input_counts import InputCounts
from tfx_sequences.components.input.input_state import InputState
from tfx_sequences.errors import UserInputError

_LEAST_THREADS = 8


def make_strategy(name: str) -> tf.distribute.Strategy:
    """The strategy of a spec's `training.strategy`.

    Args:
        name: `none`, `mirrored` or `multi_worker`; the last before TensorFlow has run anything in this process.

    Raises:
        UserInputError: `multi_worker` without a TF_CONFIG that says who the workers are, or too late.
    """
    if name == "none":
        return tf.distribute.get_strategy()
    if name == "mirrored":
        kind = "GPU" if tf.config.list_logical_devices("GPU") else "CPU"
        return tf.distribute.MirroredStrategy([device.name for device in tf.config.list_logical_devices(kind)])
    _check_cluster(os.environ.get("TF_CONFIG", ""))
    try:
        if not tf.config.threading.get_inter_op_parallelism_threads():
            # An operation that waits for other workers holds a thread; with one per core they can wait for ever.
            tf.config.threading.set_inter_op_parallelism_threads(max(_LEAST_THREADS, os.cpu_count() or 1))
        return tf.distribute.MultiWorkerMirroredStrategy()
    except RuntimeError as error:
        raise UserInputError(
            "The workers cannot find each other any more: TensorFlow has begun to run in this process.",
            expected="a process of its own for training",
            received=str(error).splitlines()[0],
            fix="Run the Trainer alone in each worker, not the whole pipeline; or use strategy 'mirrored'.",
        ) from error


def has_several_processes(strategy: tf.distribute.Strategy) -> bool:
    """Its replicas are in more than one process, which must do alike what reads variables of all of them."""
    resolver = strategy.cluster_resolver
    return resolver is not None and bool(resolver.task_type)


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """This process is the one of all workers that writes backups, logs and the model."""
    resolver = strategy.cluster_resolver
    if not has_several_processes(strategy):
        return True
    if resolver.task_type == "worker":
        return resolver.task_id == 0 and "chief" not in resolver.cluster_spec().jobs
    return bool(resolver.task_type == "chief")


class DistributedSource:
    """The batches of all replicas of this process, a step's together.

    Args:
        strategy: The strategy.
        make: Makes the input of one worker of several: `make(num_workers, worker)`.
    """

    def __init__(self, strategy: tf.distribute.Strategy, make: Callable[[int, int], Any]) -> None:
        self._parts: list[Any] = []

        def interleaved(context: tf.distribute.InputContext) -> tf.data.Dataset:
            of_all = context.num_replicas_in_sync
            here = of_all // context.num_input_pipelines
            first = context.input_pipeline_id * here
            self._parts = [make(of_all, worker) for worker in range(first, first + here)]
            datasets = [part.dataset for part in self._parts]
            return tf.data.Dataset.choose_from_datasets(
                datasets, tf.data.Dataset.range(here).repeat(), stop_on_empty_dataset=False
            )

        self._dataset = strategy.distribute_datasets_from_function(interleaved)

    @property
    def dataset(self) -> Any:
        """A `tf.distribute.DistributedDataset`; each pass is the next epoch."""
        return self._dataset

    @property
    def steps_per_epoch(self) -> int | None:
        """Steps of an epoch, each a batch for every replica."""
        known: int | None = self._parts[0].steps_per_epoch
        return known

    @property
    def epoch(self) -> int:
        """The epoch of the input."""
        return int(self._parts[0].epoch)

    @epoch.setter
    def epoch(self, epoch: int) -> None:
        for part in self._parts:
            part.epoch = epoch

    @property
    def step(self) -> int:
        """Steps of it that were taken."""
        return int(self._parts[0].step)

    @step.setter
    def step(self, step: int) -> None:
        for part in self._parts:
            part.step = step

    @property
    def finished(self) -> Sequence[InputCounts]:
        """What was read in each epoch, for all workers together."""
        return self._parts[0].finished

    def begin(self, epoch: int, step: int = 0) -> None:
        """The next pass over `dataset` begins at this step of this epoch."""
        for part in self._parts:
            part.begin(epoch, step)

    def state(self) -> InputState:
        """Where the input stands; the same for all workers."""
        return self._parts[0].state()

    def restore(self, state: InputState) -> None:
        """Goes on where `state` was taken, by whichever worker."""
        for part in self._parts:
            part.restore(state)

    @contextlib.contextmanager
    def explained(self) -> Any:
        """Within it, errors of the readers are raised as they are."""
        with contextlib.ExitStack() as stack:
            for part in self._parts:
                stack.enter_context(part.explained())
            yield


def _check_cluster(text: str) -> None:
    expected = '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, "task": {"type": "worker", "index": 0}}'
    fix = "Set TF_CONFIG in each worker's environment, the same but for task.index; or use strategy 'mirrored'."
    try:
        config = json.loads(text or "{}")
        workers = [host for job in ("chief", "worker") for host in config["cluster"].get(job, [])]
        task = config["task"]
        known = task["type"] in config["cluster"] and 0 <= int(task["index"]) < len(config["cluster"][task["type"]])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        what = "is not set" if not text else f"cannot be read ({type(error).__name__}: {error})"
        raise UserInputError(
            f"training.strategy is multi_worker, but TF_CONFIG {what}.",
            expected=expected,
            received=text or None,
            fix=fix,
        ) from error
    if not workers or not known:
        raise UserInputError("TF_CONFIG names no such worker.", expected=expected, received=text, fix=fix)


def distributed(strategy: tf.distribute.Strategy, make: Callable[[int, int], EpochSource]) -> EpochSource:
    """The input for a strategy: `make(1, 0)` alone where there is one replica.

    Args:
        strategy: The strategy.
        make: Makes the input of one worker of several: `make(num_workers, worker)`.
    """
    return make(1, 0) if strategy.num_replicas_in_sync == 1 else DistributedSource(strategy, make)
