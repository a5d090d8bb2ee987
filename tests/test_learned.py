"""Learned potentials: their weights are part of the method, and their geometries are those of DFT."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.calculator import CalculatorSetupError

from atomsieve.analysis.verdict import judge_clean
from atomsieve.builders import catalog
from atomsieve.structures.errors import CalculationError, CampaignError, MethodMismatchError
from atomsieve.structures.gate import Participant, require_combinable
from atomsieve.structures.judgement import Verdict
from atomsieve.structures.molecule import molecule
from atomsieve.workflows import weights
from atomsieve.workflows.calculators import calculator
from atomsieve.workflows.campaign_check import lacks
from atomsieve.workflows.campaigns import load
from atomsieve.workflows.optimization import optimize
from atomsieve.workflows.order import Order, Relaxed
from atomsieve.workflows.settings import Settings

Cli = Callable[..., subprocess.CompletedProcess[str]]
MODULES = {"chgnet": "chgnet", "sevennet": "sevenn"}
MODELS = [("chgnet", "0.3.0"), ("chgnet", "r2scan"), ("sevennet", "7net-0"), ("sevennet", "7net-l3i5")]


def require(name: str) -> None:
    """Skip a test where the package is not installed."""
    lacking = calculator(name).requirement.missing()
    if lacking:
        pytest.skip(f"no {', no '.join(lacking)}: {calculator(name).requirement.mend}")


def order(name: str, directory: Path, *, steps: int = 0, charge: int = 0, **settings: Any) -> Order:
    entry = calculator(name)
    resolved = {**entry.method(settings).physics, **entry.numerics(settings)}
    return Order(resolved, None, charge, directory, fmax=0.05, steps=steps)


def relax(name: str, atoms: Atoms, directory: Path, **settings: Any) -> Relaxed:
    make = calculator(name).calculator
    assert make is not None
    return optimize(make, order(name, directory, steps=200, **settings), atoms)


# weights and methods


@pytest.mark.parametrize(("name", "model"), MODELS)
def test_the_weights_that_are_installed_are_in_the_method(name: str, model: str) -> None:
    require(name)
    path = weights.shipped_path(MODULES[name], model)
    assert path is not None
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    assert calculator(name).method({"model": model}).physics["checkpoint"] == found
    # the table knows the release that is installed
    assert weights._shipped()[MODULES[name]][model]["sha256"] == found


@pytest.mark.parametrize(("name", "model"), MODELS)
def test_a_method_has_the_same_key_where_the_package_is_not(
    name: str, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    require(name)
    here = calculator(name).method({"model": model})
    monkeypatch.setattr(weights, "find_spec", lambda module: None)
    assert calculator(name).method({"model": model}).key == here.key


def test_other_weights_are_another_method(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = calculator("chgnet").method({})
    other = tmp_path / "weights"
    other.write_bytes(b"other weights")
    monkeypatch.setattr(weights, "shipped_path", lambda module, model: other)
    there = calculator("chgnet").method({})
    assert there.physics["checkpoint"] == hashlib.sha256(b"other weights").hexdigest()
    assert there.key != here.key
    with pytest.raises(MethodMismatchError, match="checkpoint"):
        require_combinable([Participant("clean", here.to_dict()), Participant("adsorbed", there.to_dict())])
    other.write_bytes(b"still others, of another length")
    assert calculator("chgnet").method({}).key != there.key


def test_the_device_is_no_part_of_the_method() -> None:
    entry = calculator("sevennet")
    assert entry.method({"device": "cpu"}).key == entry.method({"device": "cuda"}).key
    assert entry.method({"model": "7net-l3i5"}).key != entry.method({}).key


def test_weights_that_changed_since_the_plan_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "mine.model"
    file.write_bytes(b"one")
    asked = order("mace", tmp_path, weights=str(file))
    file.write_bytes(b"another")
    make = calculator("mace").calculator
    assert make is not None
    with pytest.raises(CalculationError, match="the same file, on every machine"):
        make(asked, molecule("H2").atoms)


def test_a_charge_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "mine.model"
    file.write_bytes(b"one")
    make = calculator("mace").calculator
    assert make is not None
    with pytest.raises(CalculatorSetupError, match=r"knows no charge, and the site has \+2"):
        make(order("mace", tmp_path, charge=2, weights=str(file)), molecule("H2").atoms)


# campaigns

CAMPAIGN = """\
name: learned
sites:
  - {{family: graphene, metals: [{metals}], supercell: 3x3}}
adsorbates: [OH]
method: {{calculator: {calculator}, settings: {{{settings}}}}}
poses: {{azimuths: 1}}
"""


def write(folder: Path, calculator: str, settings: str = "", metals: str = "Co") -> Path:
    path = folder / "learned.yaml"
    path.write_text(CAMPAIGN.format(metals=metals, calculator=calculator, settings=settings), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "cure"), [("mace", "ACEsuit/mace-foundations"), ("fairchem", "huggingface.co")], ids=["mace", "fairchem"]
)
def test_weights_are_asked_for_before_anything_runs(tmp_path: Path, cli: Cli, name: str, cure: str) -> None:
    write(tmp_path, name)
    for command in ("plan", "run"):
        result = cli(command, "learned.yaml", cwd=tmp_path)
        assert result.returncode == 2
        assert "learned.yaml: method.settings.weights: no weights are named" in result.stderr
        assert cure in result.stderr
        assert f"ATOMSIEVE_{name.upper()}_WEIGHTS" in result.stderr
    write(tmp_path, name, "weights: nowhere.model")
    with pytest.raises(CampaignError, match=r"there is no file 'nowhere.model'"):
        load(tmp_path / "learned.yaml", Settings())
    assert [path.name for path in tmp_path.iterdir()] == ["learned.yaml"]


def test_weights_lie_beside_the_campaign_or_where_the_machine_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.model").write_bytes(b"mine")
    beside = load(write(tmp_path, "mace", "weights: mine.model"), Settings())
    assert beside.policy.method.physics["checkpoint"] == hashlib.sha256(b"mine").hexdigest()
    assert beside.numerics[beside.policy.method.key]["weights"] == str(tmp_path / "mine.model")
    monkeypatch.setenv("ATOMSIEVE_MACE_WEIGHTS", str(tmp_path / "mine.model"))
    machine = load(write(tmp_path, "mace"), Settings())
    # where the file lies is nobody's physics
    assert machine.policy.method.key == beside.policy.method.key
    assert "weights" not in machine.policy.method.physics


def test_a_package_that_is_not_there_is_asked_for_before_anything_runs(tmp_path: Path, cli: Cli) -> None:
    absent = [name for name in ("mace", "fairchem") if find_spec(name) is None]
    if not absent:
        pytest.skip("every package is installed")
    (tmp_path / "some.pt").write_bytes(b"weights")
    path = write(tmp_path, absent[0], "weights: some.pt")
    (problem,) = lacks(load(path, Settings()).campaign)
    assert problem.path == "method.calculator"
    planned = cli("plan", "learned.yaml", cwd=tmp_path)
    assert planned.returncode == 0
    assert f"{absent[0]} cannot calculate on this machine" in planned.stdout
    result = cli("run", "learned.yaml", cwd=tmp_path)
    assert result.returncode == 2
    assert f"pip install 'atomsieve[{absent[0]}]'" in result.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["learned.yaml", "some.pt"]


def test_planning_does_not_load_torch(tmp_path: Path) -> None:
    path = write(tmp_path, "chgnet")
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from atomsieve.workflows.campaigns import load\nfrom atomsieve.workflows.plan import Planner\n"
        "from atomsieve.workflows.settings import Settings\n"
        f"made = Planner(load(Path({str(path)!r}), Settings()), None).plan()\n"
        "print(made.sites, sorted({'torch', 'chgnet', 'sevenn'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.stdout.strip() == "1 []", result.stderr


# what comes out


def test_torch_keeps_to_one_thread(tmp_path: Path) -> None:
    require("chgnet")
    code = (
        "from pathlib import Path\nimport torch\n"
        "from atomsieve.workflows.learned import _device\n"
        "torch.set_num_threads(2)\n_device('cpu')\nprint(torch.get_num_threads())"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.stdout.strip() == "1", result.stderr


@pytest.mark.parametrize("name", MODULES)
def test_forces_are_the_slope_of_the_energy(name: str, tmp_path: Path) -> None:
    require(name)
    make = calculator(name).calculator
    assert make is not None
    water = molecule("H2O").atoms
    assert water.cell.rank == 0
    water.positions[1] += 0.05
    water.calc = make(order(name, tmp_path), water)
    forces = water.get_forces()
    assert not water.calc.calculation_required(water, ["energy", "forces"]), "the second question costs nothing"
    assert np.abs(forces.sum(axis=0)).max() < 1e-4
    moved = []
    for sign in (-1, 1):
        other = water.copy()
        other.positions[1, 1] += sign * 0.01
        other.calc = make(order(name, tmp_path), other)
        moved.append(other.get_potential_energy())
    assert -(moved[1] - moved[0]) / 0.02 == pytest.approx(forces[1, 1], abs=0.02)
    # neither a box nor a place in it changes a molecule
    boxed = water.copy()
    boxed.center(vacuum=9.0)
    boxed.calc = make(order(name, tmp_path), boxed)
    assert boxed.get_potential_energy() == pytest.approx(water.get_potential_energy(), abs=1e-4)


#: M-N from PBE-D3 in M-N4 graphene (Fe with intermediate spin, Co with U) and from RPBE in porphine, Å.
PUBLISHED = [
    ("graphene", "Fe", 1.913),
    ("graphene", "Co", 1.879),
    ("graphene", "Cu", 1.928),
    ("graphene", "Zn", 1.962),
    ("porphine", "Ni", 1.953),
]


@pytest.mark.slow
@pytest.mark.parametrize("name", MODULES)
def test_sites_relax_to_distances_of_dft(
    name: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    require(name)
    lines = []
    for family, metal, published in PUBLISHED:
        extra = {"supercell": "4x4"} if family == "graphene" else {}
        (recipe,) = catalog.recipes({"family": family, "metals": metal, **extra})
        site = catalog.build(recipe)
        atoms = site.atoms.copy()
        atoms.rattle(0.02, seed=1)
        result = relax(name, atoms, tmp_path)
        assert result.converged
        assert judge_clean(site, atoms).verdict is Verdict.INTACT
        lengths = np.linalg.norm(atoms.positions[site.metals[0]] - atoms.positions[list(site.donors[0])], axis=1)
        lines.append(f"  {metal:2} {family:8} {lengths.mean() - published:+.3f}  {result.force_calls} force calls")
        assert lengths.mean() == pytest.approx(published, abs=0.04), (metal, family)
        if name == "chgnet":
            assert result.moments is not None
            # a magnetic metal and one with a closed shell
            moment = abs(result.moments[site.metals[0]])
            assert metal != "Fe" or moment > 1.0
            assert metal != "Zn" or moment < 0.1
        else:
            assert result.moments is None
    record_property("table", "\n".join([f"M-N, {name} minus PBE (RPBE for porphine), Å:", *lines]))


@pytest.mark.slow
def test_hydroxide_binds_less_from_iron_to_copper(tmp_path: Path, cli: Cli) -> None:
    """A campaign with CHGNet from file to results, in the order that it is known to give (and PBE gives)."""
    require("chgnet")
    write(tmp_path, "chgnet", metals="Fe, Co, Ni, Cu")
    # the engine, not the person, keeps each worker to one thread
    result = cli("run", "learned.yaml", "--workers", "2", cwd=tmp_path, OMP_NUM_THREADS="4")
    assert result.returncode == 0, result.stdout + result.stderr
    rows = json.loads(cli("results", "learned", "--json", cwd=tmp_path).stdout)
    free = {row["site"][:2]: row["free_OH"] for row in rows}
    assert sorted(free, key=lambda metal: free[metal]) == ["Fe", "Co", "Ni", "Cu"], free
    assert all(row["verdicts"] == {} and row["spin"] is None for row in rows)
    results = (tmp_path / "atomsieve-data" / "results").glob("*/*/result.json")
    documents = [json.loads(path.read_text(encoding="utf-8")) for path in results]
    assert len(documents) == 2 + 2 * 4
    checkpoint = calculator("chgnet").method({}).physics["checkpoint"]
    for document in documents:
        assert document["max_force"] <= 0.05
        assert document["request"]["method"]["physics"]["checkpoint"] == checkpoint
        assert len(document["moments"]) == len(document["atoms"]["numbers"])
        assert {"torch", "chgnet"} <= set(document["provenance"]["versions"])
    assert not {name for name in os.listdir(tmp_path) if name not in ("learned.yaml", "atomsieve-data")}  # noqa: PTH208
