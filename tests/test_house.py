"""The layout of the package: wings that import only what stands before them, and the rules of their files.

Everything is read with `ast`; nothing of the package is imported.
"""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "tfx_sequences"
MOST_LINES = 350

# The order of the wings: each may import itself and those before it. The ground floor are the files beside them;
# `pipeline` are the files of its own folder.
WINGS = (
    "ground floor",
    "schemas.columns",
    "schemas.kinds",
    "schemas.spec",
    "schemas.features",
    "schemas.proposal",
    "schemas.migration",
    "components.numbers",
    "components.features",
    "components.records",
    "components.rows",
    "components.batches",
    "components.transform",
    "components.input",
    "components.prepared",
    "components.kinds",
    "components.network",
    "components.serving",
    "components.training",
    "components.naive",
    "components.evaluation",
    "components.stages",
    "pipeline",
    "pipeline.local",
    "pipeline.cloud",
    "pipeline.rest",
    "pipeline.commands",
    "facade",
)
FACADE = ("tfx_sequences", *(f"tfx_sequences.{name}" for name in ("__main__", "input", "layers", "testing")))
# The layer alone: what it may import beside itself.
LAYER, BELOW_LAYER = "components.features", {"ground floor", "schemas.columns", "components.numbers"}
# Names in strings that are meant to be wrong, or are no modules.
NO_MODULES = {
    "tfx_sequences.own_functions.load_funktion",
    "tfx_sequences.json",
    "tfx_sequences.serve",
}


@functools.cache
def modules() -> dict[str, ast.Module]:
    """The syntax tree of each module, by its dotted name; of a package, that of its `__init__`."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = ast.parse(path.read_text("utf-8"))
    return found


def wing_of(module: str) -> str:
    """The wing that a module stands in.

    >>> wing_of("tfx_sequences.components.input.resume"), wing_of("tfx_sequences.errors")
    ('components.input', 'ground floor')
    """
    if module in FACADE:
        return "facade"
    places = module.split(".")[1:-1]
    return ".".join(places) if places else "ground floor"


@functools.cache
def imports_of(module: str) -> frozenset[str]:
    """Modules of the package that a module imports, wherever the import stands in it."""
    found = set()
    for node in ast.walk(modules()[module]):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name.split(".")[0] == PACKAGE.name}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{module} has a relative import"
            source = node.module or ""
            if source.split(".")[0] == PACKAGE.name:
                named = {f"{source}.{alias.name}" for alias in node.names}
                found |= {name if name in modules() else source for name in named}
    return frozenset(found)


def are_packages() -> list[str]:
    return [name for name in modules() if PACKAGE.joinpath(*name.split(".")[1:]).is_dir()]


def test_every_module_stands_in_a_wing_and_every_wing_has_modules():
    files = [name for name in modules() if name not in are_packages() or name in FACADE]
    assert [name for name in files if wing_of(name) not in WINGS] == [], "in no wing"
    assert {wing_of(name) for name in files} >= set(WINGS)


def test_wings_import_only_what_stands_before_them():
    rank = {wing: number for number, wing in enumerate(WINGS)}
    # A package has no code, and whoever imports it imports nothing.
    upwards = [
        f"{module} ({wing_of(module)}) imports {other} ({wing_of(other)})"
        for module in modules()
        if module not in are_packages()
        for other in imports_of(module)
        if rank.get(wing_of(other), -1) > rank.get(wing_of(module), len(rank))
    ]
    assert upwards == []


def test_no_module_imports_itself_through_others():
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join([*path[path.index(module) :], module])
        if module not in done:
            for other in sorted(imports_of(module)):
                visit(other, (*path, module))
            done.add(module)

    # The facade imports by name, when a name is used; nothing imports it.
    for module in modules():
        if module not in FACADE:
            visit(module, ())


def test_nothing_imports_the_facade():
    allowed = {"tfx_sequences.__main__"}
    found = {m for m in modules() if PACKAGE.name in imports_of(m)} - allowed
    assert found == set()


def test_the_layer_imports_only_columns_and_the_ground_floor():
    imported = {wing_of(o) for m in modules() if wing_of(m) == LAYER and m not in are_packages() for o in imports_of(m)}
    assert imported <= BELOW_LAYER | {LAYER}


@pytest.mark.parametrize("package", [name for name in are_packages() if name != PACKAGE.name])
def test_the_init_of_a_wing_is_one_paragraph_of_words(package):
    """Code in it would be in no component's digest, so TFX's cache would go stale."""
    tree = modules()[package]
    assert len(tree.body) == 1, "nothing but a docstring"
    docstring = ast.get_docstring(tree) or ""
    words = " ".join(docstring.split())
    assert "\n\n" not in docstring and "May import" in words and "Start at `" in words
    for file in re.findall(r"`([\w/]+\.py)`", words):
        assert PACKAGE.joinpath(*package.split(".")[1:], file).is_file(), file


def test_nearly_every_module_has_tests_of_its_name_in_the_same_wing():
    """19 of 20; the others are declarations, or are tested with what uses them."""
    files = [path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py") if path.name != "__init__.py"]
    without = [str(f) for f in files if not (ROOT / "tests" / f.parent / f"test_{f.stem}.py").is_file()]
    assert len(without) <= len(files) // 20, without


def test_no_module_is_long():
    lines = {str(path.relative_to(ROOT)): path.read_text("utf-8").count("\n") for path in PACKAGE.rglob("*.py")}
    assert {name: count for name, count in lines.items() if count > MOST_LINES} == {}


DOTTED = re.compile(r"(?<![\w./-])tfx_sequences(?:\.\w+)+")


def unresolved_in(file: Path) -> set[str]:
    """Dotted names of a page, or of the strings and docstrings of a Python file, that name nothing."""
    text = file.read_text("utf-8")
    found = {name for name in DOTTED.findall(text) if name not in NO_MODULES and not resolves(name)}
    if file.suffix != ".py" or not found:
        return found
    # Code itself may name what is not there, to test the error.
    strings = [n.value for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    return found & {name for string in strings for name in DOTTED.findall(string)}


def test_every_dotted_name_in_a_string_resolves():
    folders = ("tfx_sequences", "tests", "benchmarks", "docs", "examples", "scripts")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.suffix in (".py", ".md")]
    files += [ROOT / "README.md", ROOT / "tests" / "pipeline" / "cloud" / "golden_pipeline.json"]
    unresolved = {str(file.relative_to(ROOT)): names for file in files if (names := unresolved_in(file))}
    assert unresolved == {}


def test_every_file_that_a_page_or_a_docstring_names_is_there():
    files = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *PACKAGE.rglob("*.py"), ROOT / "Makefile"]
    named = {
        path
        for file in files
        for path in re.findall(r"(?<![\w./])(?:tfx_sequences|tests)/[\w/]+\.(?:py|md|yaml)", file.read_text("utf-8"))
    }
    assert named and [path for path in sorted(named) if not (ROOT / path).is_file()] == []


@functools.cache
def names_in(module: str) -> frozenset[str]:
    """What a module defines or imports at its top level, or below an `if` there."""
    found: set[str] = set()
    waiting: list[ast.stmt] = list(modules()[module].body)
    if module == PACKAGE.name:
        # Its names are loaded when they are used; the stub imports them all.
        waiting += ast.parse((PACKAGE / "__init__.pyi").read_text("utf-8")).body
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If):
            waiting += node.body
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Assign):
            found |= {n.id for target in node.targets for n in ast.walk(target) if isinstance(n, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.add(node.target.id)
    return frozenset(found)


def resolves(name: str) -> bool:
    """It names a module or package, or what one has; an executor that TFX derives counts as its component.

    >>> resolves("tfx_sequences.errors.DataError"), resolves("tfx_sequences" + ".errors.NoSuchError")
    (True, False)
    """
    parts = name.split(".")
    known = max(k for k in range(1, len(parts) + 1) if ".".join(parts[:k]) in modules())
    rest = parts[known:]
    if not rest or rest[0].startswith("__"):
        return True
    return rest[0].removesuffix("_Executor") in names_in(".".join(parts[:known]))
