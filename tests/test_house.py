"""The house stays as it was laid out: who imports whom, what is shipped, that it is tidy."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from importlib.metadata import distribution, version
from pathlib import Path

import networkx as nx
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

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
    text = path.read_text(encoding="utf-8")
    why = ast.get_docstring(ast.parse(text)) or ""
    most = 360 if re.search(r"^Long because .+\.$", why, re.MULTILINE) else 300
    assert len(text.splitlines()) <= most, "split it, or say in its docstring: Long because ..."


def test_no_module_imports_itself_by_way_of_others() -> None:
    # imports in functions count, imports for the type checker alone do not
    circles = [sorted(circle) for circle in nx.strongly_connected_components(import_graph()) if len(circle) > 1]
    assert not circles


def import_graph() -> nx.DiGraph[str]:
    """Return who imports whom, module by module."""
    modules = {module_name(path): path for path in SOURCES}
    graph: nx.DiGraph[str] = nx.DiGraph()
    for name, path in modules.items():
        for node in running(ast.parse(path.read_text(encoding="utf-8"))):
            named = [alias.name for alias in node.names]
            if isinstance(node, ast.ImportFrom):
                named = [
                    f"{node.module}.{one}" if f"{node.module}.{one}" in modules else str(node.module) for one in named
                ]
            graph.add_edges_from((name, other) for other in named if other in modules)
    return graph


def module_name(path: Path) -> str:
    return ".".join(["atomsieve", *path.relative_to(ROOT).with_suffix("").parts]).removesuffix(".__init__")


def running(node: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    """Yield the imports below a node that are carried out when the program runs."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child
        elif not (isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"):
            yield from running(child)


def test_where_contributors_begin_is_the_smallest_that_is_there() -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| an? (\w+).* \| (?:entry `(\w+)` in )?\[(\S+)\]\(\3\) \| (\d+) \|$", page, re.MULTILINE)
    assert [what for what, *_ in rows] == ["calculator", "code", "family", "reaction", "engine"]
    for (what, entry, path, lines), sizes in zip(rows, map(sizes_of, [what for what, *_ in rows]), strict=True):
        assert sizes[entry or path] == int(lines) == min(sizes.values()), f"{what}: {sizes}"


def sizes_of(what: str) -> dict[str, int]:
    """Return the lines of all things of a sort that CONTRIBUTING.md names the smallest of."""
    if what == "calculator":
        calls = ast.walk(ast.parse((ROOT / "workflows" / "calculators.py").read_text(encoding="utf-8")))
        entries = [node for node in calls if isinstance(node, ast.Call) and ast.unparse(node.func) == "CalculatorEntry"]
        names = [
            ast.literal_eval(keyword.value) for node in entries for keyword in node.keywords if keyword.arg == "name"
        ]
        return {name: (node.end_lineno or 0) - node.lineno + 1 for name, node in zip(names, entries, strict=True)}
    if what == "reaction":
        found = re.split(r"^(?=\S)", (ROOT / "structures" / "reactions.yaml").read_text("utf-8"), flags=re.MULTILINE)
        return {text.partition(":")[0]: text.count("\n") for text in found if text and text[0] != "#"}
    holds, under = {
        "code": (r"^ENTRY\b(.|\n)*^    calculator=", "workflows/codes/*.py"),
        "family": (r"^FAMILY\b", "builders/families/*.py"),
        "engine": (r"^class \w+Engine\b(.|\n)*^    def mend\b", "workflows/*/*.py"),
    }[what]
    texts = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in ROOT.glob(under)}
    return {name: text.count("\n") for name, text in texts.items() if re.search(holds, text, re.MULTILINE)}


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "CHANGELOG.md"])
def test_what_contributors_read_names_what_is_there(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    named = re.findall(r"\]\(([^)#]+)\)", text) + re.findall(
        r"`((?:builders|structures|workflows|tests)/[\w/*.]+)`", text
    )
    assert [name for name in named if "://" not in name and not list(ROOT.glob(name))] == []
    for room, *parts in re.findall(r"`(\w+)` of `(\w+/\w+\.py)`", text):
        assert room in (ROOT / parts[0]).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("path", "pattern"),
    [
        ("CITATION.cff", r"^version: (.*)$"),
        ("CHANGELOG.md", r"^## \[(.*?)\]"),
        ("docker-compose.yml", r"image: atomsieve:(.*)$"),
        ("docs/how-to/cite.md", r"version = \{(.*)\}"),
    ],
)
def test_the_version_is_that_of_the_package_wherever_it_stands(path: str, pattern: str) -> None:
    stated = re.findall(pattern, (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE)
    assert stated[:1] == [tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]]


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
def test_what_is_shipped_is_what_git_holds_and_works_alone(tmp_path: Path) -> None:
    listed = run("git", "ls-files").stdout.splitlines()
    if not listed:
        pytest.skip("not a git checkout")
    wheel, source = built(listed, tmp_path)
    with tarfile.open(source) as archive:
        packed = {name.partition("/")[2] for name in archive.getnames()}
    wanted = {
        name for name in listed if name.startswith((*ROOMS, "tests/", "docs/", "examples/")) or name.endswith(".md")
    }
    assert wanted <= packed
    with zipfile.ZipFile(wheel) as archive:
        shipped = {name.removeprefix("atomsieve/") for name in archive.namelist() if name.startswith("atomsieve/")}
    assert shipped == {name for name in listed if name.partition("/")[0] in ROOMS}
    assert {f"{room}/py.typed" for room in ROOMS} <= shipped

    programs = bare_environment(tmp_path / "bare", wheel)
    # no code, no scheduler, no settings of whoever runs this
    alone = {"PATH": str(programs), "HOME": str(tmp_path), "OMP_NUM_THREADS": "1"}

    def asked(*words: str) -> str:
        command = [str(programs / "atomsieve"), *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path / "bare", env=alone)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert asked("--version").strip() == f"atomsieve {version('atomsieve')}"
    said = json.loads(asked("doctor", "--json"))
    assert said["works"]
    found = {entry["name"]: entry for entry in said["calculators"]}
    assert {name for name, entry in found.items() if entry["state"] == "works"} >= {
        "mock",
        "emt",
        "gfn1-xtb",
        "gfn2-xtb",
    }
    # what is optional is missing, with the command that brings it, and nothing is wrong
    optional = ("gpaw", "cp2k", "espresso", "vasp", "chgnet", "sevennet", "mace", "fairchem")
    assert {found[name]["state"] for name in optional} == {"missing"}
    assert all(found[name]["mend"] for name in optional)


def built(listed: list[str], folder: Path) -> tuple[Path, Path]:
    """Return the wheel, built from the source distribution, and that one; nothing is left behind in the checkout."""
    for name in listed:
        target = folder / "copy" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((ROOT / name).read_bytes())
    pip = (sys.executable, "-m", "pip")
    tools = {"PYTHONPATH": str(folder / "tools")}
    # Debian's python3 has no ensurepip, without which no tool makes an environment to build in
    (wanted,) = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]["requires"]
    result = run(*pip, "install", "-q", "--target", tools["PYTHONPATH"], wanted)
    assert result.returncode == 0, result.stderr
    pack = "import os, sys; os.chdir(sys.argv[1]); from setuptools import build_meta; build_meta.build_sdist('..')"
    result = run(sys.executable, "-W", "ignore", "-c", pack, str(folder / "copy"), **tools)
    assert result.returncode == 0, result.stderr
    (source,) = folder.glob("*.tar.gz")
    result = run(*pip, "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(folder), str(source), **tools)
    assert result.returncode == 0, result.stderr
    (wheel,) = folder.glob("*.whl")
    return wheel, source


def bare_environment(folder: Path, wheel: Path) -> Path:
    """Return the programs of a new environment with a wheel and what it requires, linked from here, and no more."""
    made = run(sys.executable, "-m", "venv", "--without-pip", str(folder))
    assert made.returncode == 0, made.stderr
    python = folder / "bin" / "python"
    result = run(
        sys.executable, "-m", "pip", "--python", str(python), "install", "-q", "--no-deps", "--no-index", str(wheel)
    )
    assert result.returncode == 0, result.stderr
    (site,) = (folder / "lib").glob("python*/site-packages")
    for name in required("atomsieve"):
        found = distribution(name)
        for top in {file.parts[0] for file in found.files or ()} - {"..", "__pycache__"}:
            if not (site / top).exists():
                (site / top).symlink_to(found.locate_file(top))
    return folder / "bin"


def required(name: str) -> set[str]:
    """Return the names of all that a distribution cannot do without, and of what they need in turn."""
    found, asked = set(), [Requirement(name)]
    while asked:
        one = asked.pop()
        for text in distribution(one.name).requires or ():
            other = Requirement(text)
            if (
                all(other.marker is None or other.marker.evaluate({"extra": extra}) for extra in one.extras or ("",))
                and (key := (canonicalize_name(other.name), frozenset(other.extras))) not in found
            ):
                found.add(key)
                asked.append(other)
    return {key for key, _ in found}


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
