import shutil
import subprocess
import sys
from pathlib import Path

import tfx_sequences
from tfx_sequences.code_digest import import_closure

PACKAGE = Path(tfx_sequences.__file__).parent
COMPONENTS = "tfx_sequences.components."


def test_the_closure_has_what_is_imported_at_any_depth_and_no_more():
    closure = import_closure((COMPONENTS + "transform.preprocessing",))
    assert {
        "tfx_sequences.schemas.columns.column",
        "tfx_sequences.schemas.columns.base",
        "tfx_sequences.errors",
    } <= set(closure)
    assert COMPONENTS + "network.model" not in closure
    assert COMPONENTS + "features.sequence_features" in import_closure((COMPONENTS + "training.run",))


def test_editing_a_module_changes_the_digests_that_depend_on_it(tmp_path):
    copy = tmp_path / "tfx_sequences"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__", "examples_data"))

    def digests():
        code = (
            "from tfx_sequences.code_digest import code_digest as d;"
            "modules = ('transform.preprocessing', 'training.run', 'stages.schema_curation');"
            f"print(*[d('{COMPONENTS}' + m) for m in modules])"
        )
        run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
        return run.stdout.split()

    before = digests()
    assert before == digests()
    (copy / "components" / "network" / "model.py").open("a").write("\n# edited\n")
    after = digests()
    assert [a == b for a, b in zip(before, after, strict=True)] == [True, False, True]
    (copy / "schemas" / "columns" / "column.py").open("a").write("\n# edited\n")
    assert not set(after) & set(digests())


def test_a_package_of_the_users_counts_with_what_it_imports_of_its_own(tmp_path, monkeypatch):
    folder = tmp_path / "their_package"
    (folder / "parts").mkdir(parents=True)
    files = {
        "__init__.py": "from .names import NAME\n",
        "names.py": "NAME = 1\n",
        "unused.py": "",
        "parts/__init__.py": "",
        "parts/cells.py": "import numpy\nimport tfx_sequences.errors\n",
        "parts/networks.py": "from ..shared import *\nfrom . import cells\n",
        "shared.py": "import json\n",
    }
    for name, text in files.items():
        (folder / name).write_text(text)
    (tmp_path / "alone.py").write_text("import json\n")
    monkeypatch.syspath_prepend(tmp_path)
    closure = import_closure(("their_package.parts.networks", COMPONENTS + "features.tokens", "alone"))
    theirs = {name for name in closure if not name.startswith("tfx_sequences.")}
    expected = ["", ".names", ".parts", ".parts.cells", ".parts.networks", ".shared"]
    assert theirs == {"alone", *("their_package" + name for name in expected)}
    assert COMPONENTS + "features.tokens" in closure
    assert import_closure(("a_package_that_is_nowhere.x",)) == {}
