"""The Dockerfile, as far as it can be checked without Docker; what its commands install, test_entrypoints.py runs."""

import re
from pathlib import Path

import pytest
from packaging.markers import Marker

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "Dockerfile").read_text("utf-8")
ARGUMENTS = dict(re.findall(r"^ARG (\w+)=(\S+)$", TEXT, re.M))


def locked_version(package):
    tomllib = pytest.importorskip("tomllib")
    lock = tomllib.loads((ROOT / "uv.lock").read_text("utf-8"))
    python = ARGUMENTS["PYTHON"]
    of_image = {
        "python_version": python,
        "python_full_version": f"{python}.9",
        "sys_platform": "linux",
        "platform_machine": "x86_64",
    }
    [version] = [
        entry["version"]
        for entry in lock["package"]
        if entry["name"] == package
        and any(Marker(marker).evaluate(of_image) for marker in entry.get("resolution-markers", ["os_name != ''"]))
    ]
    return version


def test_the_image_of_beam_is_that_of_the_locked_version():
    assert ARGUMENTS["BEAM"] == locked_version("apache-beam")


def test_uv_is_the_one_that_the_setup_pins():
    [pinned] = re.findall(r"^UV_PINNED=(\S+)$", (ROOT / "scripts" / "setup.sh").read_text("utf-8"), re.M)
    assert ARGUMENTS["UV"] == pinned


def test_what_is_copied_is_there_and_reaches_the_build():
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")}
    copied = {word for line in re.findall(r"^COPY (?!--from)(.+) \S+$", TEXT, re.M) for word in line.split()}
    assert copied == sent
    for name in copied:
        assert (ROOT / name).exists()


def test_its_extras_are_those_of_the_project():
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    for extra in re.findall(r"--extra (\w+)", TEXT):
        assert re.search(rf"^{extra} = \[$", project, re.M)
