"""SDK workers in an environment of their own: our wheel, the packages of this environment, nothing else of ours."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

from tests.engines.processes import Processes, free_port

ROOT = Path(__file__).parents[2]


def worker_environment(folder: Path, uv: str) -> Path:
    """Makes the environment.

    The packages come by a path; an editable install among them would need the file that names it to be read, and
    such files are read in an environment's own folder only.

    Returns:
        The folder of its `python`.
    """
    environment = folder / "env"
    python = environment / "bin" / "python"
    for command in (
        [uv, "build", "-q", "--wheel", "--out-dir", folder, ROOT],
        [uv, "venv", "-q", "--python", sys.executable, environment],
    ):
        subprocess.run([*map(str, command)], check=True, cwd=folder)
    [wheel] = folder.glob("*.whl")
    install = [uv, "pip", "install", "-q", "--no-deps", "--python", python, wheel]
    subprocess.run([*map(str, install)], check=True, cwd=folder)
    [own] = environment.glob("lib/python*/site-packages")
    (own / "packages_of_the_stack.pth").write_text(sysconfig.get_path("purelib") + "\n")
    where = [python, "-I", "-c", "import tfx_sequences; print(tfx_sequences.__file__)"]
    found = subprocess.run(where, check=True, capture_output=True, text=True, cwd=folder).stdout
    if not found.startswith(str(own)):
        raise RuntimeError(f"workers would import tfx_sequences from {found}, not from the wheel")
    return python.parent


def start_workers(processes: Processes, worker_path: Path) -> str:
    """Starts a pool of SDK worker processes, and waits until it listens.

    Returns:
        Its address, for `--environment_config` of an EXTERNAL environment.
    """
    port = free_port()
    # Only what has the environment's programs on its PATH finds `python`, which the pool starts workers with.
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV"))}
    pool = ["-m", "apache_beam.runners.worker.worker_pool_main", f"--service_port={port}"]
    env = {**clean, "PATH": f"{worker_path}:{os.environ['PATH']}"}
    processes.start("workers", [str(worker_path / "python"), *pool], env=env)
    processes.wait_for_port("workers", port)
    return f"localhost:{port}"
