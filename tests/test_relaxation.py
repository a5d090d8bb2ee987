"""One relaxation: what is kept, what is found again, and what becomes of each way to fail."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from ase.calculators.calculator import CalculationFailed, Calculator, all_changes
from ase.calculators.emt import EMT
from ase.constraints import FixAtoms

from atomsieve.builders.catalog import build, recipes
from atomsieve.structures.calculation import Calculation, Failure, Request, outcome_from_dict
from atomsieve.structures.errors import FailureClass, InputError
from atomsieve.structures.judgement import Judgement, Verdict
from atomsieve.structures.method import Method
from atomsieve.workflows import calculators
from atomsieve.workflows.calculators import CALCULATORS, calculator
from atomsieve.workflows.folder import Folder
from atomsieve.workflows.jobs import relax_one
from atomsieve.workflows.order import Order
from atomsieve.workflows.relaxation import DISPLACEMENT, displaced, is_settled, settle
from atomsieve.workflows.requests import Policy

NUMERICS = {"max_steps": 50, "optimizer": "BFGS"}


def judge(relaxed: Atoms) -> Judgement:
    return Judgement(Verdict.INTACT, "not looked at", {})


def request(name: str = "emt", fmax: float = 0.05, **physics: Any) -> Request:
    return Request("molecule", {"molecule": "test"}, Method(name, physics, "mock"), fmax)


def test_a_relaxation_ends_where_the_calculator_says(tmp_path: Path) -> None:
    start = molecule("N2")
    start.positions[1] += [0, 0, 0.2]
    before = start.positions.copy()
    document = settle(request(fmax=0.01), start, judge, NUMERICS, Folder(tmp_path))
    outcome = outcome_from_dict(document)
    assert isinstance(outcome, Calculation)
    assert outcome.max_force <= 0.01
    relaxed = Atoms(numbers=outcome.atoms["numbers"], positions=outcome.atoms["positions"])
    relaxed.calc = EMT()
    assert relaxed.get_potential_energy() == pytest.approx(outcome.energy, abs=1e-9)
    assert np.linalg.norm(relaxed.get_forces(), axis=1).max() == pytest.approx(outcome.max_force, abs=1e-9)
    assert 3 <= outcome.force_calls <= 51
    assert outcome.provenance["numerics"] == NUMERICS
    assert np.array_equal(start.positions, before)


def test_who_asks_twice_gets_the_first_answer(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    first = settle(request(), molecule("N2"), judge, NUMERICS, folder)
    again = settle(request(), molecule("N2"), judge, {**NUMERICS, "max_steps": 1}, folder)
    assert again == first
    assert len(folder.starts.read_text().splitlines()) == 1
    other = settle(request(fmax=0.04), molecule("N2"), judge, NUMERICS, folder)
    assert other["key"] != first["key"]


def test_too_few_steps_are_a_failure_that_says_how_to_go_on(tmp_path: Path) -> None:
    start = molecule("CH3OH")
    start.rattle(0.15, seed=1)
    folder = Folder(tmp_path)
    document = settle(request(), start, judge, {**NUMERICS, "max_steps": 2}, folder)
    outcome = outcome_from_dict(document)
    assert isinstance(outcome, Failure)
    assert outcome.failure_class is FailureClass.CONTINUE
    assert "after 2 steps, 0.05 wanted; raise max_steps" in outcome.text
    assert outcome.atoms is not None
    # it stands until somebody asks with other numerics; success then takes its place
    assert is_settled(folder.read(document["key"]), {**NUMERICS, "max_steps": 2})
    better = settle(request(), start, judge, {**NUMERICS, "max_steps": 400}, folder)
    assert better["status"] == "done"
    assert settle(request(), start, judge, {**NUMERICS, "max_steps": 2}, folder) == better


class _Broken(Calculator):
    implemented_properties = ["energy", "forces"]  # noqa: RUF012 - as ASE's own calculators have it

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind

    def calculate(self, atoms: Any = None, properties: Any = None, system_changes: Any = all_changes) -> None:
        super().calculate(atoms, properties, system_changes)
        if self.kind == "raises":
            raise CalculationFailed("SCF not converged in 250 cycles")
        if self.kind == "disk":
            raise OSError(28, "No space left on device")
        value = float("nan") if self.kind == "nan" else 0.0
        self.results = {"energy": value, "forces": np.full((len(self.atoms), 3), value)}


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    def make(order: Order, atoms: Atoms) -> Calculator:
        return _Broken(order.settings["kind"])

    table: Mapping[str, Any] = {**CALCULATORS, "broken": replace(calculator("emt"), name="broken", calculator=make)}
    monkeypatch.setattr(calculators, "CALCULATORS", table)


@pytest.mark.usefixtures("broken")
@pytest.mark.parametrize(("kind", "said"), [("raises", "SCF not converged in 250 cycles"), ("nan", "energy nan eV")])
def test_a_calculator_that_fails_leaves_a_record(
    kind: str, said: str, tmp_path: Path, fault: Callable[..., None]
) -> None:
    document = settle(request("broken", kind=kind), molecule("H2O"), judge, NUMERICS, Folder(tmp_path))
    outcome = outcome_from_dict(document)
    assert isinstance(outcome, Failure)
    assert outcome.failure_class is FailureClass.OTHER_SETTINGS
    assert said in outcome.text
    assert outcome.judgement.verdict is Verdict.NOT_CONVERGED
    what = {"raises": "calculator raises", "nan": "calculator returns NaN"}[kind]
    fault(engine="any", fault=what, outcome="the ladder, then a failure with its reason")


@pytest.mark.usefixtures("broken")
def test_a_full_disk_is_nobodys_physics(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    with pytest.raises(OSError, match="No space left"):
        settle(request("broken", kind="disk"), molecule("H2O"), judge, NUMERICS, folder)
    assert folder.read(request("broken", kind="disk").key) is None


def test_a_wrong_parity_is_refused_with_its_reason(tmp_path: Path) -> None:
    asked = Request("molecule", {"molecule": "H2O"}, calculator("mock").method({}), 0.05, multiplicity=2)
    outcome = outcome_from_dict(settle(asked, molecule("H2O"), judge, NUMERICS, Folder(tmp_path)))
    assert isinstance(outcome, Failure)
    assert outcome.failure_class is FailureClass.GIVE_UP
    assert "multiplicity" in outcome.text


def test_starts_are_displaced_a_little_and_always_alike() -> None:
    atoms = molecule("C6H6")
    site = Request("clean", {"a": 1}, Method("emt", {}, "mock"), 0.05)
    other = Request("clean", {"a": 2}, Method("emt", {}, "mock"), 0.05)
    first, again, different = displaced(atoms, site), displaced(atoms, site), displaced(atoms, other)
    assert np.array_equal(first.positions, again.positions)
    assert not np.array_equal(first.positions, different.positions)
    shift = np.abs(first.positions - atoms.positions)
    assert 0 < shift.max() <= DISPLACEMENT
    assert np.array_equal(displaced(atoms, request()).positions, atoms.positions)


def test_frozen_atoms_stay_where_they_are(tmp_path: Path) -> None:
    """Methanol whose carbon and one hydrogen are held, far from where they would go: the rest relaxes around them."""
    start = molecule("CH3OH")
    start.positions[[0, 3]] += [[0.15, 0.0, 0.0], [0.0, 0.1, 0.2]]
    frozen = (0, 3)
    start.set_constraint(FixAtoms(frozen))
    asked = Request("clean", {"a": 1}, Method("emt", {}, "mock"), 0.02)
    moved = displaced(start, asked)
    assert np.array_equal(moved.positions[list(frozen)], start.positions[list(frozen)])
    free = [atom for atom in range(len(start)) if atom not in frozen]
    assert (moved.positions[free] != start.positions[free]).all()

    folder = Folder(tmp_path)
    outcome = outcome_from_dict(settle(asked, start, judge, {**NUMERICS, "max_steps": 300}, folder))
    assert isinstance(outcome, Calculation)
    relaxed = Atoms(numbers=outcome.atoms["numbers"], positions=outcome.atoms["positions"])
    assert np.array_equal(relaxed.positions[list(frozen)], start.positions[list(frozen)])
    relaxed.calc = EMT()
    forces = np.linalg.norm(relaxed.get_forces(), axis=1)
    assert forces[free].max() == pytest.approx(outcome.max_force, abs=1e-9)
    assert outcome.max_force <= 0.02 < forces[list(frozen)].max()


def test_the_frozen_atoms_of_a_site_are_held_clean_and_with_an_adsorbate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATOMSIEVE_FOLDER", str(tmp_path))
    (recipe,) = recipes({"family": "graphene", "metals": "Ni"})
    built = build(recipe)
    site = replace(built, frozen=(0, 1, 2, built.donors[0][0]))
    policy = Policy(calculator("mock").method({}), 0.05, clean=1, most=1)
    numerics = {"max_steps": 200, "optimizer": "BFGS", "seconds_per_force_call": 0.0}
    (clean,) = policy.clean_requests(site)
    (request, atoms), *_ = policy.adsorbed_requests(site, clean.key, clean.multiplicity, "OH")
    adsorbed = {"numbers": atoms.numbers[-2:].tolist(), "positions": atoms.positions[-2:].tolist()}
    for asked, extra in ((clean, None), (request, adsorbed)):
        done = relax_one.original(asked.to_dict(), numerics, site.to_dict(), extra)
        assert done["status"] == "done", done["reason"]
        document = Folder(tmp_path).read(asked.key)
        assert document is not None
        positions = np.array(document["atoms"]["positions"])
        held = list(site.frozen)
        assert np.array_equal(positions[held], site.atoms.positions[held])
        assert not np.allclose(positions[: len(site.atoms)], site.atoms.positions, atol=1e-3)


def test_files_are_private_and_whole(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "new" / "folder")
    folder.write({"key": "ab" * 32, "status": "done", "x": 1})
    assert folder.read("ab" * 32) == {"key": "ab" * 32, "status": "done", "x": 1}
    assert stat.S_IMODE(folder.root.stat().st_mode) == 0o700
    assert [path.name for path in folder.directory("ab" * 32).iterdir()] == ["result.json"]
    with pytest.raises(ValueError, match="not JSON compliant"):
        folder.write({"key": "cd" * 32, "status": "done", "x": float("nan")})
    assert folder.read("cd" * 32) is None
    assert folder.read("ef" * 32) is None
    json.loads((folder.directory("ab" * 32) / "result.json").read_text())


def test_settings_of_calculators() -> None:
    xtb = calculator("gfn1-xtb")
    assert xtb.method({}).physics == {"electronic_temperature": 300.0, "spin_polarization": 1.0, "accuracy": 1.0}
    assert xtb.method({}).key == xtb.method({"electronic_temperature": 300, "max_iterations": 99}).key
    assert xtb.method({}).key != xtb.method({"electronic_temperature": 301}).key
    assert xtb.method({}).key != calculator("gfn2-xtb").method({}).key
    assert xtb.numerics({"max_iterations": 99})["max_iterations"] == 99
    assert calculator("mock").method({"seconds_per_force_call": 1}).key == calculator("mock").method({}).key
    for settings, said in (
        ({"accuracy": "high"}, "a float is wanted"),
        ({"electronic_temperature": True}, "a float is wanted"),
        ({"max_iterations": 2.5}, "a int is wanted"),
        ({"temperature": 300}, "did you mean 'electronic_temperature'"),
    ):
        with pytest.raises(InputError, match=said):
            xtb.resolve(settings)
    with pytest.raises(InputError, match="did you mean 'gfn1-xtb'"):
        calculator("gfn1")
    assert not any(calculator(name).method({}).is_predictive for name in ("mock", "emt", "gfn1-xtb", "gfn2-xtb"))
    assert calculator("vasp").method({}).is_predictive


def test_a_failure_of_an_older_folder_gives_way_to_a_success(tmp_path: Path) -> None:
    folder, key = Folder(tmp_path), "ef" * 32
    folder.directory(key).mkdir(parents=True)
    (folder.directory(key) / "result.json").write_text('{"key": "' + key + '", "status": "failed"}', encoding="utf-8")
    folder.write({"key": key, "status": "done"})
    assert folder.read(key) == {"key": key, "status": "done"}
    # and a success to none
    assert folder.write({"key": key, "status": "done", "late": True}) == {"key": key, "status": "done"}
