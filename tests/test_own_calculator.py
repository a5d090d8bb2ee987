"""Own calculators: declared by an installed package, with a version that is part of the method."""

from __future__ import annotations

import re
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from atomsieve.structures.errors import CalculationError, InputError, MethodMismatchError
from atomsieve.structures.gate import Participant, require_combinable
from atomsieve.structures.molecule import molecule
from atomsieve.workflows import declared, doctor
from atomsieve.workflows.calculators import CALCULATORS
from atomsieve.workflows.declared import Table
from atomsieve.workflows.order import Order

Cli = Callable[..., subprocess.CompletedProcess[str]]
PAGE = Path(__file__).resolve().parent.parent / "docs" / "how-to" / "own-calculator.md"
EMT = """\
from ase.calculators.emt import EMT
from atomsieve.workflows.calculators import CalculatorEntry, Setting

def make(order, atoms):
    assert order.settings.keys() == {"depth", "steps"}
    return EMT()

ENTRY = CalculatorEntry(
    name="emt2", version="1", title="EMT again", tier="mock", source="none",
    settings={"depth": Setting(1.0, "depth, eV"), "steps": Setting(5, "steps", is_physics=False)},
    elements=frozenset({"H", "C", "N", "O", "Cu"}), spin="none", seconds=0.01, calculator=make,
)
"""


def install(folder: Path, module: str, text: str, points: dict[str, str], package: str = "lab") -> None:
    """Write what pip would: a module, and the metadata that declares its calculators."""
    (folder / f"{module}.py").write_text(text, encoding="utf-8")
    metadata = folder / f"{package}-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1\n", encoding="utf-8")
    lines = [f"{name} = {value}" for name, value in points.items()]
    (metadata / "entry_points.txt").write_text("\n".join([f"[{declared.GROUP}]", *lines, ""]), encoding="utf-8")


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Table]:
    """From the text of a module to the table of calculators where it is installed."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def made(text: str = EMT, name: str = "emt2", package: str = "lab") -> Table:
        module = f"lab_{len(list(tmp_path.glob('lab_*.py')))}_{tmp_path.name.replace('-', '_')}"
        install(tmp_path, module, text, {name: f"{module}:ENTRY"}, package)
        return Table(CALCULATORS.own.values())

    return made


def test_a_package_declares_a_calculator(table: Callable[..., Table], tmp_path: Path) -> None:
    known = table()
    assert list(known)[-1] == "emt2"
    assert len(known) == len(CALCULATORS.own) + 1
    entry = known["emt2"]
    method = entry.method({"depth": 2.0})
    assert method.physics == {"depth": 2.0, "package": "lab", "version": "1"}
    order = Order({**method.physics, **entry.numerics({})}, None, 0, tmp_path, 0.05, 0)
    assert entry.calculator is not None
    hydrogen = molecule("H2").atoms
    hydrogen.calc = entry.calculator(order, hydrogen)
    assert hydrogen.get_potential_energy() > 0


def test_two_versions_share_nothing(table: Callable[..., Table], tmp_path: Path) -> None:
    first = table()["emt2"].method({})
    (tmp_path / "lab-1.dist-info").rename(tmp_path / "old")
    second = table(EMT.replace('version="1"', 'version="2"'))["emt2"]
    assert second.method({}).key != first.key
    methods = [first.to_dict(), second.method({}).to_dict()]
    with pytest.raises(MethodMismatchError, match=r"differ in version \('1' and '2'\)"):
        require_combinable([Participant(name, method) for name, method in zip("ab", methods, strict=True)])
    # a worker of the other version does not calculate what was asked for
    order = Order({**first.physics, **second.numerics({})}, None, 0, tmp_path, 0.05, 0)
    assert second.calculator is not None
    with pytest.raises(CalculationError, match="asked for as version '1' of lab, but here is '2' of lab"):
        second.calculator(order, molecule("H2").atoms)


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        (EMT.replace('version="1", ', ""), "emt2", "has no version; state one, version='1'"),
        (EMT, "emt3", "is named 'emt2'; its name and that of the entry point must be the same"),
        ("ENTRY = print\n", "emt2", "is a builtin_function_or_method; it must be an atomsieve"),
        ("import no_such_module\n", "emt2", "cannot be imported (ModuleNotFoundError: No module named 'no_such"),
        (EMT.replace('"depth"', '"version"'), "emt2", "has a setting 'version'"),
        (EMT.replace(", calculator=make", ""), "emt2", "has neither calculator nor program"),
        (EMT, "emt", "of lab cannot be used: atomsieve has one of this name; rename it"),
    ],
)
def test_what_cannot_be_used_says_why(table: Callable[..., Table], text: str, name: str, message: str) -> None:
    known = table(text, name)
    assert name in known
    with pytest.raises(InputError) as error:
        known[name]
    assert f"the calculator {name!r} of lab cannot be used" in str(error.value)
    assert message in str(error.value)
    assert known["mock"] is CALCULATORS["mock"]


def test_two_packages_may_not_declare_one_name(table: Callable[..., Table]) -> None:
    table()
    with pytest.raises(InputError, match="of lab and lab2 cannot be used: several packages have one of this name"):
        table(package="lab2")["emt2"]


def test_the_doctor_tells_of_a_broken_one(table: Callable[..., Table], monkeypatch: pytest.MonkeyPatch) -> None:
    known = table("import no_such_module\n")
    monkeypatch.setattr(doctor, "CALCULATORS", known)
    monkeypatch.setattr(doctor, "calculator", known.__getitem__)
    found = {one.name: one for one in doctor.examine(quick=True) if one.section == "calculators"}
    assert found["emt2"].state == "broken"
    assert not found["emt2"].required
    assert found.keys() >= CALCULATORS.own.keys()


@pytest.mark.slow
def test_the_calculator_of_the_page_runs_a_campaign(tmp_path: Path, cli: Cli) -> None:
    """As the page has it, in processes of the local engine; and it is refused where it is not installed."""
    page = PAGE.read_text(encoding="utf-8")
    text = {name: re.findall(rf"```{name}\n(.*?)```", page, flags=re.DOTALL)[0] for name in ("python", "toml", "yaml")}
    assert sum(bool(line.strip()) for line in text["python"].splitlines()) <= 22
    points = tomllib.loads(text["toml"])["project"]["entry-points"][declared.GROUP]
    lab = tmp_path / "lab"
    lab.mkdir()
    install(lab, "water", text["python"], points, package="water")
    (tmp_path / "wet.yaml").write_text(text["yaml"], encoding="utf-8")
    missing = cli("plan", "wet.yaml", cwd=tmp_path)
    assert missing.returncode == 2
    assert "unknown calculator 'gfn2-water' (did you mean 'gfn2-xtb'?)" in missing.stderr
    assert "or install the package that declares it" in missing.stderr

    done = cli("run", "wet.yaml", "--workers", "2", cwd=tmp_path, PYTHONPATH=str(lab), OMP_NUM_THREADS="1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "GFN2-xTB in ALPB water" in done.stdout
    assert "3 calculations done, 0 found done, 0 failed" in done.stdout
    # what it has calculated is known without it
    shown = cli("results", "--of", "adsorption_energies", "--json", cwd=tmp_path)
    assert '"adsorbate": "H"' in shown.stdout
