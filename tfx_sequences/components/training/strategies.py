"""`tf.distribute` strategies by name: data-parallel replicas, each with its share of the batches.

With `R` replicas a step takes `R` batches, one for each, and sums their gradients. `mirrored` has a replica for each
device of this machine: the GPUs or, without any, the logical CPUs. `multi_worker` has one process per worker; all
run the same spec. TensorFlow reads the cluster from the environment variable TF_CONFIG:

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
        name: `none`, `mirrored` or `multi_worker`; the latter only before TensorFlow has run anything in this process.

    Raises:
        UserInputError: `multi_worker` is used without a TF_CONFIG that names the workers, or too late.
    """
    if name == "none":
        return tf.distribute.get_strategy()
    if name == "mirrored":
        kind = "GPU" if tf.config.list_logical_devices("GPU") else "CPU"
        return tf.distribute.MirroredStrategy([device.name for device in tf.config.list_logical_devices(kind)])
    _check_cluster(os.environ.get("TF_CONFIG", ""))
    try:
        if not tf.config.threading.get_inter_op_parallelism_threads():
            # An op that waits for other workers holds a thread; with one thread per core they can deadlock.
            tf.config.threading.set_inter_op_parallelism_threads(max(_LEAST_THREADS, os.cpu_count() or 1))
        return tf.distribute.MultiWorkerMirroredStrategy()
    except RuntimeError as error:
        raise UserInputError(
            "The workers cannot connect: TensorFlow has already run operations in this process.",
            expected="a separate process for training",
            received=str(error).splitlines()[0],
            fix="Run only the Trainer in each worker, not the whole pipeline; or use strategy 'mirrored'.",
        ) from error


def has_several_processes(strategy: tf.distribute.Strategy) -> bool:
    """Whether replicas run in several processes. These must read the variables of all replicas together."""
    resolver = strategy.cluster_resolver
    return resolver is not None and bool(resolver.task_type)


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Whether this process is the worker that writes backups, logs and the model."""
    resolver = strategy.cluster_resolver
    if not has_several_processes(strategy):
        return True
    if resolver.task_type == "worker":
        return resolver.task_id == 0 and "chief" not in resolver.cluster_spec().jobs
    return bool(resolver.task_type == "chief")


class DistributedSource:
    """The batches of all replicas of this process, grouped by step.

    Args:
        strategy: The strategy.
        make: Creates the input of one of several workers: `make(num_workers, worker)`.
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
        """A `tf.distribute.DistributedDataset`; each pass reads the next epoch."""
        return self._dataset

    @property
    def steps_per_epoch(self) -> int | None:
        """Steps of an epoch; each step takes one batch per replica."""
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
        """Steps of the epoch that are done."""
        return int(self._parts[0].step)

    @step.setter
    def step(self, step: int) -> None:
        for part in self._parts:
            part.step = step

    @property
    def finished(self) -> Sequence[InputCounts]:
        """Counts of each finished epoch, for all workers together."""
        return self._parts[0].finished

    def begin(self, epoch: int, step: int = 0) -> None:
        """Starts the next pass over `dataset` at this step of this epoch."""
        for part in self._parts:
            part.begin(epoch, step)

    def state(self) -> InputState:
        """The position of the input; the same for all workers."""
        return self._parts[0].state()

    def restore(self, state: InputState) -> None:
        """Resumes at the position of `state`, whichever worker saved it."""
        for part in self._parts:
            part.restore(state)

    @contextlib.contextmanager
    def explained(self) -> Any:
        """Raises the readers' own errors instead of TensorFlow's."""
        with contextlib.ExitStack() as stack:
            for part in self._parts:
                stack.enter_context(part.explained())
            yield


def _check_cluster(text: str) -> None:
    expected = '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, "task": {"type": "worker", "index": 0}}'
    fix = "Set TF_CONFIG in each worker's environment, identical except for task.index; or use strategy 'mirrored'."
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
        raise UserInputError("TF_CONFIG does not list this worker.", expected=expected, received=text, fix=fix)


def distributed(strategy: tf.distribute.Strategy, make: Callable[[int, int], EpochSource]) -> EpochSource:
    """The input for a strategy; with a single replica it is just `make(1, 0)`.

    Args:
        strategy: The strategy.
        make: Creates the input of one of several workers: `make(num_workers, worker)`.
    """
    return make(1, 0) if strategy.num_replicas_in_sync == 1 else DistributedSource(strategy, make)
