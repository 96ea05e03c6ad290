from __future__ import annotations

import dataclasses
import os
import subprocess
import sys

import pytest

from tfx_sequences import compat
from tfx_sequences.compat import Environment, check_environment
from tfx_sequences.errors import EnvironmentNotSupportedError

GOOD = Environment(python=(3, 11), system="linux", glibc=(2, 36), tensorflow="2.16.2", keras="3.15.1", tfx="1.16.0")


def with_changes(**changes) -> Environment:
    return dataclasses.replace(GOOD, **changes)


@pytest.mark.parametrize(
    "environment",
    [
        GOOD,
        with_changes(python=(3, 10)),
        with_changes(python=(3, 12), glibc=(2, 39)),
        with_changes(python=(3, 13), glibc=(2, 41)),
        with_changes(keras_backend="tensorflow"),
        with_changes(keras=""),
    ],
)
def test_supported_environments_pass(environment):
    check_environment(environment, needs_tfx=True)
    check_environment(environment, needs_tfx=False)


@pytest.mark.parametrize(
    ("changes", "received", "fix"),
    [
        ({"python": (3, 9)}, "Python 3.9", "python3.11"),
        ({"python": (3, 14)}, "Python 3.14", "python3.11"),
        ({"tensorflow": None}, "no module 'tensorflow'", "pip install 'tfx-sequences'"),
        ({"keras": None}, "no module 'keras'", "pip install 'keras>=3.10'"),
        ({"keras": "2.15.0"}, "keras 2.15.0", "uv pip install 'keras>=3.10'"),
        ({"keras_backend": "jax"}, "KERAS_BACKEND=jax", "Unset"),
    ],
)
@pytest.mark.parametrize("needs_tfx", [True, False])
def test_unsupported_environment_says_what_and_how_to_mend_it(changes, received, fix, needs_tfx):
    with pytest.raises(EnvironmentNotSupportedError) as caught:
        check_environment(with_changes(**changes), needs_tfx=needs_tfx)
    assert caught.value.exit_code == 2
    assert caught.value.expected
    assert received in caught.value.received
    assert fix in caught.value.fix


@pytest.mark.parametrize("python", [(3, 12), (3, 13)])
@pytest.mark.parametrize("glibc", [(2, 36), (2, 38), None])
def test_old_c_library_matters_for_newer_tfx_only(python, glibc):
    environment = with_changes(python=python, glibc=glibc)
    check_environment(environment, needs_tfx=False)
    with pytest.raises(EnvironmentNotSupportedError, match=r"glibc 2\.39 or newer") as caught:
        check_environment(environment, needs_tfx=True)
    assert "3.11" in caught.value.fix


def test_missing_tfx_matters_only_where_it_is_needed():
    environment = with_changes(tfx=None)
    check_environment(environment, needs_tfx=False)
    with pytest.raises(EnvironmentNotSupportedError, match=r"tfx-sequences\[tfx\]"):
        check_environment(environment, needs_tfx=True)


def test_this_environment_is_read_and_passes():
    environment = compat.current_environment()
    assert environment.python == sys.version_info[:2]
    assert environment.tensorflow
    assert compat._major(environment.keras) >= 3
    if sys.platform == "linux" and os.confstr("CS_GNU_LIBC_VERSION"):
        assert environment.glibc >= (2, 17)
    check_environment(needs_tfx=environment.tfx is not None)


def test_backend_variable_is_read(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    with pytest.raises(EnvironmentNotSupportedError, match="KERAS_BACKEND=torch"):
        check_environment(needs_tfx=False)
    monkeypatch.setenv("KERAS_BACKEND", "")
    check_environment(needs_tfx=False)


def test_quiet_environment_keeps_what_is_set(monkeypatch):
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "0")
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    monkeypatch.delenv("GRPC_VERBOSITY", raising=False)
    before = os.environ.get("TF_USE_LEGACY_KERAS")
    compat.quiet_environment()
    assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == "0"
    assert os.environ["KERAS_BACKEND"] == "jax"
    assert os.environ["GRPC_VERBOSITY"] == "ERROR"
    assert os.environ.get("TF_USE_LEGACY_KERAS") == before


def test_check_imports_nothing_heavy():
    code = """
import sys
from tfx_sequences.compat import check_environment, quiet_environment
quiet_environment()
check_environment(needs_tfx=False)
print(sorted({"tensorflow", "keras", "tfx", "apache_beam", "numpy", "pydantic"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_folder_is_not_a_module(tmp_path, monkeypatch):
    (tmp_path / "only_a_folder").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))
    assert compat._version("only_a_folder") is None
    (tmp_path / "a_module_without_metadata.py").write_text("")
    assert compat._version("a_module_without_metadata") == ""


@pytest.mark.parametrize(("cores", "threads"), [(2, ("1", "2")), (64, (None, None))])
def test_ops_of_small_machines_get_one_thread_each(monkeypatch, cores, threads):
    names = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
    for name in names:
        # Set first, so that what the call sets is taken back.
        monkeypatch.setenv(name, "9")
        monkeypatch.delenv(name)
    monkeypatch.setattr(compat, "cores", lambda: cores)
    compat.use_cores()
    assert tuple(os.environ.get(name) for name in names) == threads


def test_threads_that_the_user_set_stay(monkeypatch):
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "3")
    monkeypatch.setenv("TF_NUM_INTEROP_THREADS", "4")
    compat.use_cores()
    assert (os.environ["TF_NUM_INTRAOP_THREADS"], os.environ["TF_NUM_INTEROP_THREADS"]) == ("3", "4")


_HEAPS_OF_20_THREADS = """
import ctypes, re, sys, threading
from tfx_sequences import compat

compat.cores = lambda: 1
if sys.argv[1] == "bound":
    compat.bound_freed_memory()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
allocated = threading.Barrier(20)


def allocate():
    libc.malloc(ctypes.c_size_t(2000))
    allocated.wait()


threads = [threading.Thread(target=allocate) for _ in range(20)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
libc.fopen.restype = ctypes.c_void_p
file = ctypes.c_void_p(libc.fopen(sys.argv[2].encode(), b"w"))
libc.malloc_info(0, file)
libc.fclose(file)
print(len(re.findall("<heap nr", open(sys.argv[2]).read())))
"""


@pytest.mark.skipif(compat.current_environment().glibc is None, reason="of the GNU C library")
@pytest.mark.parametrize(
    ("call", "environment", "heaps"),
    [
        ("bound", {}, 4),
        ("bound", {"MALLOC_ARENA_MAX": "9"}, 9),
        ("bound", {"GLIBC_TUNABLES": "glibc.malloc.arena_max=9"}, 9),
        # Eight per core: the call is needed.
        ("not bound", {}, None),
    ],
)
def test_freed_memory_is_kept_in_four_heaps_per_core(tmp_path, call, environment, heaps):
    ours = {name: value for name, value in os.environ.items() if name not in ("MALLOC_ARENA_MAX", "GLIBC_TUNABLES")}
    command = [sys.executable, "-c", _HEAPS_OF_20_THREADS, call, str(tmp_path / "heaps.xml")]
    run = subprocess.run(command, env={**ours, **environment}, capture_output=True, text=True, check=True)
    assert int(run.stdout) == heaps if heaps else int(run.stdout) > 4


_RECORDS_IN_TURN = """
import ctypes, resource, sys
from tfx_sequences import compat

if sys.argv[1] == "bound":
    compat.bound_freed_memory()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.free.argtypes = [ctypes.c_void_p]


def read_and_forget(count):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(count):
        blocks = [ctypes.c_void_p(libc.malloc(ctypes.c_size_t(1 << 20))) for _ in range(16)]
        [ctypes.memset(block, 1, 1 << 20) for block in blocks]
        [libc.free(block) for block in blocks]
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


read_and_forget(1)
print(read_and_forget(10))
"""


@pytest.mark.skipif(compat.current_environment().glibc is None, reason="of the GNU C library")
@pytest.mark.parametrize(
    ("call", "environment", "is_kept"),
    [
        ("bound", {}, True),
        ("bound", {"MALLOC_TRIM_THRESHOLD_": "131072", "MALLOC_MMAP_THRESHOLD_": "131072"}, False),
        ("not bound", {}, False),
    ],
)
def test_memory_of_large_records_is_requested_once(call, environment, is_kept):
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "GLIBC_TUNABLES"))}
    command = [sys.executable, "-c", _RECORDS_IN_TURN, call]
    run = subprocess.run(command, env={**ours, **environment}, capture_output=True, text=True, check=True)
    pages = 16 * (1 << 20) // os.sysconf("SC_PAGE_SIZE")
    assert (int(run.stdout) < pages) == is_kept
