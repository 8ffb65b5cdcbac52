"""The dependency rules of docs/architecture.md, held by a test because layers that exist only in prose do not exist."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "layers" / "core" / "python" / "introducer"
FUNCTIONS = ROOT / "functions"

FORBIDDEN_IN_DOMAIN = {"os", "time", "random", "secrets", "socket", "asyncio", "subprocess", "threading", "uuid"}


def imports_of(path: Path) -> Iterator[str]:
    """The absolute names a module imports, also inside functions."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def modules(folder: Path) -> list[Path]:
    found = sorted(folder.rglob("*.py"))
    assert found, f"no module in {folder}: this test looks in the wrong place"
    return found


def test_the_import_contracts_hold() -> None:
    # when the contracts of pyproject.toml are checked
    run = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    # then they are kept, and the checker really looked at our imports
    assert run.returncode == 0, run.stdout + run.stderr
    analyzed = next(line for line in run.stdout.splitlines() if line.startswith("Analyzed"))
    files, dependencies = (int(word) for word in analyzed.replace(",", "").split() if word.isdigit())
    assert files > 50
    assert dependencies > 150


@pytest.mark.parametrize("path", modules(PACKAGE / "domain"), ids=lambda path: path.stem)
def test_the_domain_imports_the_standard_library_and_itself(path: Path) -> None:
    for name in imports_of(path):
        top = name.split(".")[0]
        assert top in sys.stdlib_module_names or name.startswith("introducer.domain"), f"{path.name} imports {name}"
        assert top not in FORBIDDEN_IN_DOMAIN, f"{path.name} imports {name}: the clock and chance are passed in"


def test_the_domain_asks_nobody_for_the_time() -> None:
    for path in modules(PACKAGE / "domain"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute):
                assert node.attr not in {"now", "utcnow", "today"}, f"{path.name}:{node.lineno} reads the clock"


@pytest.mark.parametrize("function", sorted(p.parent.name for p in FUNCTIONS.glob("*/app.py")))
def test_a_function_imports_the_product_and_its_own_folder_alone(function: str) -> None:
    folder = FUNCTIONS / function
    siblings = {path.stem for path in folder.rglob("*.py")} | {path.name for path in folder.iterdir() if path.is_dir()}
    others = {path.name for path in FUNCTIONS.iterdir()} - {function}
    for path in modules(folder):
        for name in imports_of(path):
            top = name.split(".")[0]
            assert top not in {"introducer_ops", "functions", "tests"}, f"{path} imports {name}"
            assert top not in others - siblings, f"{path} imports another function: {name}"


def test_the_redirect_is_light() -> None:
    # Of our own only what a click needs, and nothing of others.
    allowed = {"introducer.domain.click_id", "introducer.store.keys"}
    seen = set()
    for path in modules(FUNCTIONS / "redirect"):
        for name in imports_of(path):
            top = name.split(".")[0]
            if top == "introducer":
                seen.add(name)
                prefixes = {name, name.rsplit(".", 1)[0], name.rsplit(".", 2)[0]}
                assert prefixes & allowed, f"{path.name} imports {name}"
            else:
                siblings = {path.stem for path in (FUNCTIONS / "redirect").glob("*.py")}
                assert top in sys.stdlib_module_names | siblings, f"{path.name} imports {name}"
    assert seen


def test_the_redirect_starts_with_the_standard_library_alone_and_little_of_it() -> None:
    # when an interpreter that has no packages imports it
    path = [str(FUNCTIONS / "redirect"), str(PACKAGE.parent)]
    code = f"import sys; sys.path[:0] = {path}; import app; print(len(sys.modules), 'email' in sys.modules)"
    run = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    # then it starts, with no more modules than a first visitor can wait for
    count, heavy = run.stdout.split()
    assert int(count) <= 130
    assert heavy == "False"


def test_the_redirects_client_of_aws_can_be_read_in_one_sitting() -> None:
    lines = 0
    for name in ("aws", "connection", "errors", "signing"):
        text = (FUNCTIONS / "redirect" / f"{name}.py").read_text()
        told = {
            number
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
            for number in range(node.lineno, (node.end_lineno or 0) + 1)
        }
        lines += sum(
            bool(line.strip()) and not line.lstrip().startswith("#") and number not in told
            for number, line in enumerate(text.splitlines(), 1)
        )
    # Docstrings and comments may be as long as they need.
    assert 200 < lines <= 400


@pytest.mark.parametrize("package", ["domain", "store"])
def test_the_packages_on_the_redirects_path_import_nothing_by_themselves(package: str) -> None:
    assert (PACKAGE / package / "__init__.py").read_text() == ""
    assert (PACKAGE / "__init__.py").read_text() == ""


def test_only_the_keys_module_writes_the_separator() -> None:
    for path in [*modules(PACKAGE), *modules(FUNCTIONS)]:
        if path.name == "keys.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and "{" not in node.value:
                looks_like_key = len(node.value) > 1 and node.value[0].isupper() and node.value[1] == "#"
                assert not looks_like_key, f"{path}:{node.lineno} writes the key {node.value!r} by itself"


def test_what_makes_pages_brings_no_services() -> None:
    # Every page waits for it in a cold container, whatever it shows; services come with the page that asks them.
    path = [str(FUNCTIONS / "portal")]
    code = (
        f"import sys; sys.path[:0] = {path}; import rendering; "
        "print([name for name in sys.modules if name.startswith('introducer.services.')])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert found.strip() == "[]"
