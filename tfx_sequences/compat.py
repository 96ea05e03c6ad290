"""Knows which machines, interpreters and versions the stack supports.

Nothing here imports TensorFlow, Keras or TFX, so that a wrong environment gives one clear
message instead of an ImportError deep inside them.
"""

from __future__ import annotations

import importlib.util
import inspect
import os
import sys
from dataclasses import dataclass
from typing import Any

from tfx_sequences.errors import EnvironmentNotSupportedError

PYTHON_OLDEST = (3, 10)
PYTHON_NEWEST = (3, 13)
# From Python 3.12 on, TFX's wheels (ml-metadata, TFDV) are built for this C library.
PYTHON_OF_NEWER_TFX = (3, 12)
GLIBC_OF_NEWER_TFX = (2, 39)
# From this version of pyarrow on, `concat_tables` has `promote_options` in place of `promote`.
PYARROW_WITH_PROMOTE_OPTIONS = 14


@dataclass(frozen=True)
class Environment:
    """The properties that determine whether the stack can run."""

    python: tuple[int, int]
    """Major and minor version of the interpreter."""
    system: str = "linux"
    """`sys.platform`."""
    glibc: tuple[int, int] | None = None
    """Version of the GNU C library; None without one."""
    tensorflow: str | None = None
    """Installed version, here and below; None if it is not installed."""
    keras: str | None = None
    tfx: str | None = None
    keras_backend: str | None = None
    """The environment variable KERAS_BACKEND, if set."""


def current_environment() -> Environment:
    """The environment of this process, read without importing anything heavy.

    >>> current_environment().python == sys.version_info[:2]
    True
    """
    return Environment(
        python=(sys.version_info[0], sys.version_info[1]),
        system=sys.platform,
        glibc=_glibc(),
        # Its wheels have several names (tensorflow-cpu, tf-nightly), but its module has only one.
        tensorflow=_version("tensorflow"),
        keras=_version("keras"),
        tfx=_version("tfx"),
        keras_backend=os.environ.get("KERAS_BACKEND") or None,
    )


def check_environment(environment: Environment | None = None, *, needs_tfx: bool) -> None:
    """Raises unless the stack can run; call it before anything heavy is imported.

    Args:
        environment: What to check; by default that of this process.
        needs_tfx: False if TensorFlow and Keras are sufficient.

    Raises:
        EnvironmentNotSupportedError: The message says what is wrong and how to fix it.

    >>> check_environment(Environment(python=(3, 9)), needs_tfx=False)
    Traceback (most recent call last):
      ...
    tfx_sequences.errors.EnvironmentNotSupportedError: This Python is not supported.
      expected: Python 3.10 to 3.13
      received: Python 3.9
      fix:      Create the environment with another interpreter, preferably python3.11.
    """
    env = current_environment() if environment is None else environment
    _check_python(env)
    if needs_tfx:
        _check_c_library(env)
    _check_packages(env, needs_tfx)
    if env.keras_backend not in (None, "tensorflow"):
        raise EnvironmentNotSupportedError(
            "Keras is set to a backend that cannot train or export these models.",
            expected="KERAS_BACKEND=tensorflow, or unset",
            received=f"KERAS_BACKEND={env.keras_backend}",
            fix="Unset the environment variable KERAS_BACKEND, or set it to tensorflow.",
        )


def check_tensorflow_metadata() -> None:
    """Raises unless `tensorflow_metadata`, a part of TFX, is installed; schemas as protocol buffers need it.

    Raises:
        EnvironmentNotSupportedError: The message says how to fix it.
    """
    if importlib.util.find_spec("tensorflow_metadata") is None:
        raise EnvironmentNotSupportedError(
            "tensorflow_metadata is not installed, and its schemas need it.",
            expected="tensorflow_metadata, which comes with TFX",
            received="no module 'tensorflow_metadata'",
            fix=f"Install the extra: {_install('tfx-sequences[tfx]')}",
        )


def message_to_dict(message: Any) -> dict[str, Any]:
    """A protocol buffer as JSON data: fields by their own names, including empty fields and defaults.

    >>> from google.protobuf.source_context_pb2 import SourceContext
    >>> message_to_dict(SourceContext())
    {'file_name': ''}
    """
    from google.protobuf import json_format

    # The option has another name in protocol buffers 5.
    names = ("always_print_fields_with_no_presence", "including_default_value_fields")
    known = inspect.signature(json_format.MessageToDict).parameters
    defaults = next(name for name in names if name in known)
    return json_format.MessageToDict(message, preserving_proto_field_name=True, **{defaults: True})


def joined_tables(tables: list[Any]) -> Any:
    """The rows of several Arrow tables; a column that a table lacks is null there.

    >>> import pyarrow as pa
    >>> joined_tables([pa.table({"a": [1]}), pa.table({"b": [2]})]).to_pydict()
    {'a': [1, None], 'b': [None, 2]}
    """
    import pyarrow as pa

    renamed = _major(pa.__version__) >= PYARROW_WITH_PROMOTE_OPTIONS
    return pa.concat_tables(tables, **({"promote_options": "default"} if renamed else {"promote": True}))


def quiet_environment() -> None:
    """Sets defaults for Keras's backend and for less log output of TensorFlow; call it before importing them.

    Values set by the user are kept. TF_USE_LEGACY_KERAS is not touched: only `tf.keras`
    reads it, and this package imports `keras`.
    """
    defaults = {
        # The variable overrides keras.json, which may name another backend.
        "KERAS_BACKEND": "tensorflow",
        # Shows errors, hides infos and warnings.
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "GLOG_minloglevel": "2",
        "GRPC_VERBOSITY": "ERROR",
        "AUTOGRAPH_VERBOSITY": "0",
    }
    for name, value in defaults.items():
        os.environ.setdefault(name, value)


def cores() -> int:
    """Number of cores that this process may use.

    >>> cores() >= 1
    True
    """
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


# With more cores, single-threaded ops would leave too many cores idle.
_MOST_CORES_OF_SINGLE_THREADED_OPS = 4


def use_cores() -> None:
    """Gives each TensorFlow op one thread, and runs as many ops in parallel as there are cores.

    Recurrent steps are small: with several threads they take longer than with one, by a third for an
    LSTM with 64 units. Call it before TensorFlow runs its first op; later it has no effect. Values set by
    the user are kept, and machines with many cores keep TensorFlow's defaults.
    """
    if cores() <= _MOST_CORES_OF_SINGLE_THREADED_OPS:
        os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
        os.environ.setdefault("TF_NUM_INTEROP_THREADS", str(cores()))


# Parameters of mallopt, from malloc.h.
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8
# The largest values that glibc sets itself, after it has freed large enough blocks.
_MOST_FROM_ARENAS = 32 << 20
_MOST_KEPT_AT_END = 64 << 20


def bound_freed_memory() -> None:
    """Limits glibc to four malloc arenas per core instead of eight, and lets them keep a few freed records.

    Each allocating thread gets a separate arena until the limit is reached, and freed memory returns to its
    arena. TensorFlow has many threads: one reads the input and another frees it, so one arena after another
    grows to its peak, epoch after epoch. With fewer than four arenas, threads wait for each other: with two,
    the input took a tenth longer. Call it early: once there are eight arenas per core, it has no effect.

    Otherwise, glibc returns freed memory to the kernel until a program has freed a large block. With records of
    hundreds of kB, each one was returned and requested again page by page, which took as long as reading it.

    Values set by the user are kept, and other C libraries are not changed.
    """
    if _glibc() is None:
        return
    # Not every Python has it, and this module must be importable to report a wrong environment.
    import ctypes

    for parameter, value, variable, tunable in (
        (_M_ARENA_MAX, 4 * cores(), "MALLOC_ARENA_MAX", "arena_max"),
        (_M_MMAP_THRESHOLD, _MOST_FROM_ARENAS, "MALLOC_MMAP_THRESHOLD_", "mmap_threshold"),
        (_M_TRIM_THRESHOLD, _MOST_KEPT_AT_END, "MALLOC_TRIM_THRESHOLD_", "trim_threshold"),
    ):
        if variable not in os.environ and f"glibc.malloc.{tunable}" not in os.environ.get("GLIBC_TUNABLES", ""):
            ctypes.CDLL(None).mallopt(parameter, value)


def return_freed_memory() -> None:
    """Gives memory that is freed, but kept by glibc, back to the system; other C libraries are not asked."""
    if _glibc() is None:
        return
    import ctypes

    ctypes.CDLL(None).malloc_trim(0)


def _check_python(env: Environment) -> None:
    if not PYTHON_OLDEST <= env.python <= PYTHON_NEWEST:
        raise EnvironmentNotSupportedError(
            "This Python is not supported.",
            expected=f"Python {_dotted(PYTHON_OLDEST)} to {_dotted(PYTHON_NEWEST)}",
            received=f"Python {_dotted(env.python)}",
            fix="Create the environment with another interpreter, preferably python3.11.",
        )


def _check_c_library(env: Environment) -> None:
    if env.python < PYTHON_OF_NEWER_TFX or not env.system.startswith("linux"):
        return
    if env.glibc is None or env.glibc < GLIBC_OF_NEWER_TFX:
        raise EnvironmentNotSupportedError(
            f"TFX for Python {_dotted(env.python)} does not run with this C library.",
            expected=f"glibc {_dotted(GLIBC_OF_NEWER_TFX)} or newer (Ubuntu 24.04, Debian 13)",
            received=f"glibc {_dotted(env.glibc)}" if env.glibc else "no glibc",
            fix="Use Python 3.11 or 3.10, whose TFX runs on older systems, or a newer system.",
        )


def _check_packages(env: Environment, needs_tfx: bool) -> None:
    if env.tensorflow is None:
        raise EnvironmentNotSupportedError(
            "TensorFlow is not installed.",
            expected="tensorflow 2.16 (Python 3.10, 3.11) or 2.21 (Python 3.12, 3.13)",
            received="no module 'tensorflow'",
            fix=f"Install it here: {_install('tfx-sequences')}",
        )
    if env.keras is None or _major(env.keras) < 3:
        raise EnvironmentNotSupportedError(
            "Keras 3 is required.",
            expected="keras 3.10 or newer",
            received="no module 'keras'" if env.keras is None else f"keras {env.keras}",
            fix=f"Install it here: {_install('keras>=3.10')}",
        )
    if needs_tfx and env.tfx is None:
        raise EnvironmentNotSupportedError(
            "TFX is not installed, and this command needs it.",
            expected="tfx 1.16 (Python 3.10, 3.11) or 1.21 (Python 3.12, 3.13)",
            received="no module 'tfx'",
            fix=f"Install the extra: {_install('tfx-sequences[tfx]')}",
        )


def _install(requirement: str) -> str:
    return f"pip install '{requirement}', or uv pip install '{requirement}'"


def _version(module: str) -> str | None:
    """Version of the distribution with this name; '' if only the module is known to exist."""
    import importlib.metadata

    try:
        return importlib.metadata.version(module)
    except importlib.metadata.PackageNotFoundError:
        pass
    spec = importlib.util.find_spec(module)
    # A plain folder with this name does not have an origin.
    return "" if spec is not None and spec.origin else None


def _glibc() -> tuple[int, int] | None:
    try:
        name, _, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")
        major, minor = version.split(".")[:2]
        return (int(major), int(minor)) if name == "glibc" else None
    # The function, the name or the format does not exist: this is not the GNU C library.
    except (AttributeError, ValueError, OSError):
        return None


def _major(version: str) -> int:
    digits = version.split(".")[0]
    # Without metadata, assume that this Keras is new enough.
    return int(digits) if digits.isdigit() else 3


def _dotted(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))
