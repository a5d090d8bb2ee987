"""The house stays as it was laid out: who imports whom, what is shipped, that it is tidy."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = {
    "structures": {"structures"},
    "builders": {"builders", "structures"},
    "analysis": {"analysis", "structures"},
    "workflows": {"workflows", "structures", "builders", "analysis"},
}
SOURCES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Return the rooms that a module imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return {name.split(".")[1] for name in names if name.startswith("atomsieve.")}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_rooms_import_only_what_lies_below_them(path: Path) -> None:
    assert imported(path) <= ROOMS[path.relative_to(ROOT).parts[0]]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_stay_readable(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 350


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=ROOT, env={**os.environ, **environment}
    )


@pytest.mark.parametrize("arguments", [("check",), ("format", "--check")], ids=["lint", "format"])
def test_ruff(arguments: tuple[str, ...]) -> None:
    result = run(sys.executable, "-m", "ruff", *arguments, ".")
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.slow
def test_mypy_strict(tmp_path: Path) -> None:
    # the rooms lie in the root, so that mypy finds `atomsieve` only through a folder of that name
    (tmp_path / "atomsieve").symlink_to(ROOT)
    packages = [argument for room in ROOMS for argument in ("-p", f"atomsieve.{room}")]
    result = run(sys.executable, "-m", "mypy", "--strict", *packages, MYPYPATH=str(tmp_path))
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.slow
def test_the_wheel_holds_what_git_holds(tmp_path: Path) -> None:
    listed = run("git", "ls-files", *ROOMS).stdout.split()
    if not listed:
        pytest.skip("not a git checkout")
    # built from a copy, so that no build folder is left behind and none is taken over
    for name in [*listed, "pyproject.toml", "README.md", "LICENSE"]:
        target = tmp_path / "copy" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((ROOT / name).read_bytes())
    result = run(
        sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(tmp_path / "wheels"), str(tmp_path / "copy")
    )
    assert result.returncode == 0, result.stderr
    (wheel,) = (tmp_path / "wheels").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        shipped = {name.removeprefix("atomsieve/") for name in archive.namelist() if name.startswith("atomsieve/")}
    assert shipped == set(listed)


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys, atomsieve.workflows.cli as cli\n"
        "heavy = {'numpy', 'ase', 'pymatgen', 'jobflow', 'maggma', 'pydantic', 'matplotlib', 'atomate2'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    assert run(sys.executable, "-c", code).stdout.strip() == "[]"


def test_the_driver_never_imports_the_slow_makers() -> None:
    code = "import sys, atomsieve.workflows.runner, atomsieve.workflows.commands\nprint('atomate2' in sys.modules)"
    assert run(sys.executable, "-c", code).stdout.strip() == "False"
