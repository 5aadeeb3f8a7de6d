"""What may import what, and what no file may do."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "reason_w2s"
FILES = sorted(PACKAGE.rglob("*.py"))
HEAVY = ("torch", "transformers", "vllm", "trl", "peft", "datasets", "accelerate", "deepspeed")

# from the bottom up; what stands on one level is told apart by ALLOWED below
LEVELS: dict[str, int] = {
    "errors": 0,
    "redaction": 0,
    "visible": 0,
    "trust": 0,
    "processes": 0,
    "records": 0,
    "predicate": 0,
    "room": 0,
    "answers": 1,
    "engines": 1,
    "problems": 1,
    "prompts": 1,
    "stages": 2,
    "train": 2,
    "evaluate": 2,
    "recipe": 3,
    "runs": 4,
    "doctor": 4,
    "report": 4,
    "export": 4,
    "submit": 5,
    "commands": 6,
    "cli": 7,
}


def trees() -> list[tuple[Path, ast.Module]]:
    return [(path, ast.parse(path.read_text(encoding="utf-8"))) for path in FILES]


def group_of(path: Path) -> str:
    """`runs` for reason_w2s/runs/run.py, `errors` for reason_w2s/errors.py."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def ours(tree: ast.Module) -> set[str]:
    """The groups of this package that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        found |= {name.split(".")[1] for name in names if name.startswith("reason_w2s.")}
    return found


def test_imports_go_one_way():
    wrong = [
        f"{path.relative_to(PACKAGE)} imports {other}"
        for path, tree in trees()
        if group_of(path) != "__init__"
        for other in ours(tree)
        if LEVELS[other] > LEVELS[group_of(path)]
    ]
    assert wrong == []


def test_every_part_of_the_package_has_a_level():
    there = {group_of(path) for path in FILES} - {"__init__"}
    assert there == set(LEVELS)


def test_a_wrong_direction_would_be_found():
    tree = ast.parse("def f():\n    from reason_w2s.runs.run import Run\n")
    assert ours(tree) == {"runs"}
    assert ours(ast.parse("from reason_w2s import prompts")) == {"prompts"}


def test_runs_do_not_import_the_report():
    for path, tree in trees():
        if group_of(path) in ("runs", "stages", "engines", "problems", "answers"):
            assert "report" not in ours(tree), path


@pytest.mark.parametrize(
    "program",
    [
        "import reason_w2s",
        "import reason_w2s.cli",
        "import reason_w2s.runs.run, reason_w2s.runs.results, reason_w2s.recipe.load",
        "import sys; sys.argv = ['x', '--help']; from reason_w2s import cli\n"
        "try:\n    cli.main()\nexcept SystemExit as stop:\n    assert not stop.code",
    ],
)
def test_nothing_heavy_is_loaded(program):
    check = f"\nimport sys\nprint('loaded:', *[name for name in {HEAVY} if name in sys.modules])"
    found = subprocess.run(
        [sys.executable, "-c", program + check], capture_output=True, text=True, check=True
    )
    assert found.stdout.splitlines()[-1].strip() == "loaded:"


def test_help_loads_little():
    program = "import sys, reason_w2s.cli\nprint(*sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    loaded = set(found.stdout.split())
    assert not loaded & {"numpy", "pyarrow", "pydantic", "matplotlib", "jinja2", "scipy"}


def test_heavy_packages_are_imported_inside_functions():
    wrong = []
    for path, tree in trees():
        for node in tree.body:
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            wrong += [f"{path.name}: {name}" for name in names if name.split(".")[0] in HEAVY]
    assert wrong == []


FORBIDDEN = {"eval", "exec", "sympify", "parse_expr", "SIGALRM", "setitimer", "alarm"}


def named(tree: ast.AST) -> set[str]:
    """Every name and attribute that is used or imported; a method call `x.eval()` is not `eval`."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Attribute) and node.attr != "eval":
            found.add(node.attr)
        elif isinstance(node, ast.ImportFrom):
            found |= {alias.name for alias in node.names}
    return found


def test_no_text_is_evaluated():
    for path, tree in trees():
        assert not named(tree) & FORBIDDEN, path


def test_what_evaluates_text_would_be_found():
    for text in ("eval(x)", "sympy.sympify(x)", "from sympy import parse_expr", "signal.SIGALRM"):
        assert named(ast.parse(text)) & FORBIDDEN


def public(tree: ast.Module) -> list[ast.AST]:
    """Public functions and classes of a module, and public methods of its public classes."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    top = [one for one in tree.body if isinstance(one, kinds) and not one.name.startswith("_")]
    methods = [
        inner
        for one in top
        if isinstance(one, ast.ClassDef)
        for inner in one.body
        if isinstance(inner, kinds) and not inner.name.startswith("_")
    ]
    return [*top, *methods]


def test_every_public_name_has_a_docstring():
    missing = [
        f"{path.relative_to(PACKAGE)}: {one.name}"
        for path, tree in trees()
        for one in public(tree)
        if not ast.get_docstring(one)
    ]
    assert missing == []


def test_every_module_says_what_it_is():
    empty = [path for path, tree in trees() if tree.body and not ast.get_docstring(tree)]
    assert empty == []


def test_nothing_is_printed():
    pattern = re.compile(r"^\s*print\(", re.MULTILINE)
    assert [path for path in FILES if pattern.search(path.read_text(encoding="utf-8"))] == []
