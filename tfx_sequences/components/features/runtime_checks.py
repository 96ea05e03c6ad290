"""Checks of values: our own error if the values are known, an assertion in the graph otherwise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from tfx_sequences.errors import UserInputError

_SHOWN = 5


def require(
    condition: tf.Tensor,
    what: str,
    *,
    expected: str,
    received: Callable[[], Sequence[tuple[str, tf.Tensor]]],
    fix: str | None = None,
) -> tf.Operation | None:
    """Rejects values for which `condition`, a bool scalar, is false.

    Args:
        condition: What must be true.
        what: What happened if it is not.
        expected: What was expected.
        received: Returns names and tensors of the received values, of which the message shows
            the first few; called only if the check fails, or in a graph.
        fix: How to fix it.

    Returns:
        In a graph, the check op, as a dependency of later ops.

    Raises:
        UserInputError: Immediately, if tensors have values.
        tf.errors.InvalidArgumentError: When the graph runs, with the same message.
            There are no checks in graphs compiled by XLA.

    >>> require(tf.constant(False), "Too many.", expected="1", received=lambda: [("counts", tf.range(9))])
    Traceback (most recent call last):
      ...
    tfx_sequences.errors.UserInputError: Too many.
      expected: 1
      received: counts 0, 1, 2, 3, 4, ...
    """
    if tf.executing_eagerly():
        if not bool(condition):
            told = "; ".join(f"{name} {_told(values)}" for name, values in received())
            raise UserInputError(what, expected=expected, received=told, fix=fix)
        return None

    def fail() -> tf.Operation:
        data: list[Any] = [f"{what} Expected: {expected}. {fix or ''} Received:"]
        for name, values in received():
            data += [name, values]
        return tf.debugging.Assert(False, data, summarize=_SHOWN)

    # The received values are gathered only if the check fails.
    return tf.cond(condition, tf.no_op, fail)


def assert_in_graph(condition: tf.Tensor, what: str, *values: tf.Tensor) -> tf.Operation:
    """A check in a dataset function: a single op, whereas `require` is a conditional with two functions.

    Args:
        condition: A bool scalar.
        what: What happened if it is false, in one sentence, and what `values` are. No quotes: the op escapes them.
        values: The received values.
    """
    return tf.raw_ops.Assert(condition=condition, data=[what, *values])


def are_equal(one: tf.Tensor, other: tf.Tensor) -> tf.Tensor:
    """Whether two arrays `[N]` and `[M]` are the same; also where they are not as long.

    >>> bool(are_equal(tf.range(2), tf.range(3))), bool(are_equal(tf.range(2), tf.range(2)))
    (False, True)
    """
    common = tf.minimum(tf.size(one), tf.size(other))
    return tf.equal(tf.size(one), tf.size(other)) & tf.reduce_all(tf.equal(one[:common], other[:common]))


def behind(check: tf.Operation | None) -> Any:
    """A context in which ops run only after the check; otherwise they could fail first, with TensorFlow's message."""
    return tf.control_dependencies([] if check is None else [check])


def after(check: tf.Operation | None, value: tf.Tensor) -> tf.Tensor:
    """`value`, after the check has passed.

    >>> int(after(None, tf.constant(3)))
    3
    """
    if check is None:
        return value
    with behind(check):
        return tf.identity(value)


def _told(values: tf.Tensor) -> str:
    listed = [_text(value) for value in tf.reshape(values, [-1])[: _SHOWN + 1].numpy().tolist()]
    return ", ".join(listed[:_SHOWN]) + (", ..." if len(listed) > _SHOWN else "")


def _text(value: Any) -> str:
    return repr(value.decode("utf-8", "replace")) if isinstance(value, bytes) else str(value)
