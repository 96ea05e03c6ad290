"""An environment for SDK workers: our wheel, the packages of this environment, nothing else of ours."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).parents[2]


def worker_environment(folder: Path) -> Path:
    """Makes the environment.

    The packages come by a path; an editable install among them would need the file that names it to be read, and
    such files are read in an environment's own folder only.

    Returns:
        The folder of its `python`.
    """
    uv = shutil.which("uv") or str(ROOT / ".tools" / "bin" / "uv")
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
