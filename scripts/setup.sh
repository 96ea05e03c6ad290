#!/usr/bin/env bash
# Makes .venv with the locked dependencies, or finds it up to date. Nothing outside this folder changes.
# PYTHON names the interpreter to use; without it one is searched for.
set -euo pipefail
cd "$(dirname "$0")/.."

UV_PINNED=0.13.9
UV_OLDEST_MINOR=6

fail() {
  printf 'Error: %s\n' "$1" >&2
  shift
  printf '  %s\n' "$@" >&2
  exit 2
}

case "$(uname -s) $(uname -m)" in
  "Linux x86_64") ;;
  *) fail "TFX has no wheels for this machine." "expected: Linux x86_64" "received: $(uname -s) $(uname -m)" \
       "fix:      use a Linux x86_64 machine, virtual machine or container" ;;
esac

# Prints the interpreter's own path, or says on stderr why it cannot be used. Any Python can run this.
probe='
import os, sys
version = sys.version_info[:2]
def refuse(why):
    sys.stderr.write("Python %d.%d %s" % (version + (why,)))
    sys.exit(1)
if not (3, 10) <= version <= (3, 13):
    refuse("is not one of 3.10 to 3.13")
if version >= (3, 12):
    try:
        name, number = os.confstr("CS_GNU_LIBC_VERSION").split()
        new_enough = name == "glibc" and tuple(map(int, number.split(".")[:2])) >= (2, 39)
    except (AttributeError, ValueError):
        new_enough = False
    if not new_enough:
        refuse("needs glibc 2.39 or newer for TFX")
# Of an environment, what it was made from: that one has pip and outlives it.
print(getattr(sys, "_base_executable", None) or sys.executable)
'

usable() {
  # A shim may stand on PATH and fail: only running it tells.
  "$1" -c "$probe" 2>/dev/null
}

find_python() {
  local name path
  if [ -n "${PYTHON:-}" ]; then
    usable "$PYTHON" || fail "PYTHON=$PYTHON cannot be used: $("$PYTHON" -c "$probe" 2>&1 | head -n 1)" \
      "expected: Python 3.11 or 3.10; 3.12 and 3.13 where glibc is 2.39 or newer" \
      "fix:      unset PYTHON, or name another interpreter"
    return
  fi
  # What made .venv stays its interpreter.
  for name in .venv/bin/python python3.11 python3.10 python3 python python3.12 python3.13; do
    path=$(command -v "$name") && usable "$path" && return
  done
  fail "No usable Python was found." \
    "expected: python3.11 or python3.10 on PATH; python3.12 or python3.13 where glibc is 2.39 or newer" \
    "received: $(python3 --version 2>/dev/null || echo "no python3"), glibc $(getconf GNU_LIBC_VERSION 2>/dev/null | cut -d' ' -f2)" \
    "fix:      install Python 3.11, or name one: PYTHON=/path/to/python3.11 make ..."
}

find_uv() {
  local candidate major minor
  for candidate in uv .tools/bin/uv; do
    IFS=' .' read -r _ major minor _ < <("$candidate" --version 2>/dev/null) || continue
    if [ "$major" -gt 0 ] || [ "$minor" -ge "$UV_OLDEST_MINOR" ]; then
      echo "$candidate"
      return
    fi
  done
  "$python" -m pip --version >/dev/null 2>&1 || fail "uv is not installed, and $python has no pip to get it with." \
    "fix:      install uv (for example: pipx install uv), or pip for this Python (Debian: apt install python3-pip)"
  echo "Installing uv $UV_PINNED into .tools" >&2
  PIP_USER=0 PIP_ROOT_USER_ACTION=ignore "$python" -m pip install --quiet --disable-pip-version-check --target .tools --upgrade "uv==$UV_PINNED" >&2 ||
    fail "uv could not be installed with pip; its message stands above." \
      "fix:      mend pip's access to the package index, or install uv yourself"
  echo .tools/bin/uv
}

python=$(find_python)
uv=$(find_uv)

if [ ! -x .venv/bin/python ] || [ uv.lock -nt .venv/.synced ]; then
  echo "Installing the locked packages into .venv (a few minutes where none is cached)" >&2
fi
unset VIRTUAL_ENV # Another active environment is none of ours, and uv would warn of it.
export UV_PROJECT_ENVIRONMENT=.venv UV_PYTHON_DOWNLOADS=never
"$uv" sync --quiet --frozen --extra vertex --extra serve --group dev --python "$python"
touch .venv/.synced
