"""Pre-relaxation, single points and vibrations in whole campaigns with the mock: what is handed on, and the sums."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase.thermochemistry import HarmonicThermo, IdealGasThermo

from atomsieve.analysis.database import Database
from atomsieve.builders import catalog
from atomsieve.builders.spin_starts import starts
from atomsieve.structures.judgement import Verdict
from atomsieve.structures.site import atoms_from_dict
from atomsieve.workflows import calculators
from atomsieve.workflows.calculators import CALCULATORS, calculator
from atomsieve.workflows.folder import Folder
from atomsieve.workflows.jobs import relax_one
from atomsieve.workflows.requests import Policy
from atomsieve.workflows.spins import spin_judge

Cli = Callable[..., subprocess.CompletedProcess[str]]

SITES = "sites: [{family: graphene, metals: [Fe, Ni], supercell: 4x4}]\n"
POINTS = f"""\
name: points
{SITES}
adsorbates: [OH, OOH]
method: {{calculator: mock}}
poses: {{tilts: [0, 40], azimuths: 8}}
prerelaxation: {{calculator: mock, fmax: 0.1, keep: 2}}
single_point: {{calculator: gfn1-xtb}}
"""
MODES = f"""\
name: modes
{SITES}
adsorbates: [OH, O]
method: {{calculator: mock}}
poses: {{most: 1}}
thermochemistry: {{corrections: quasi-harmonic, metal: true}}
conditions: {{temperature: 330.0}}
"""


def ran(text: str, name: str, folder: Path, cli: Cli) -> tuple[dict[str, dict[str, Any]], list[dict[str, Any]]]:
    """Return the calculations by key and the rows of a campaign."""
    (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    result = cli("run", f"{name}.yaml", cwd=folder)
    assert result.returncode == 0, result.stdout + result.stderr
    again = cli("run", f"{name}.yaml", cwd=folder)
    assert "nothing was computed" in again.stdout, again.stdout
    with Database.embedded(folder / "atomsieve-data" / "atomsieve.sqlite") as database:
        documents = {document["key"]: document for document in database.calculations.query({})}
        return documents, list(database.adsorption_energies.query({}))


@pytest.mark.slow
def test_single_points_follow_what_a_cheaper_method_sifted(tmp_path: Path, cli: Cli) -> None:
    documents, rows = ran(POINTS, "points", tmp_path, cli)
    assert len(rows) == 4
    sifted = 0
    for row in rows:
        assert row["method"]["calculator"] == "gfn1-xtb"
        assert row["policy"]["geometry_method"]["calculator"] == "mock"
        used = {role.removeprefix("energy of "): key for role, key in row["calculations"].items() if " of " in role}
        energies = {role: documents[key]["energy"] for role, key in used.items()}
        assert all(documents[key]["request"]["task"] == "energy" for key in used.values())
        # each single point stands at the geometry of the state that was chosen for it
        for role, key in used.items():
            state = documents[row["calculations"][role]]
            assert documents[key]["request"]["parents"] == [state["key"]]
            assert documents[key]["atoms"]["positions"] == state["atoms"]["positions"]
            assert documents[key]["force_calls"] == 1
        by_hand = energies["adsorbed"] - energies["clean"] - _reference(row["adsorbate"], energies)
        assert row["electronic"] == pytest.approx(by_hand, abs=1e-9)
        # the pose started where the cheap one ended, and each cheap one that was dropped is listed with its reason
        adsorbed = documents[row["calculations"]["adsorbed"]]
        clean, cheap = adsorbed["request"]["parents"]
        assert clean == row["calculations"]["clean"]
        assert documents[cheap]["request"]["fmax"] == 0.1
        carried = {key for d in documents.values() for key in d["request"]["parents"][1:]}
        dropped = [entry for entry in row["considered"] if entry["role"] == "pre-relaxed"]
        sifted += len(dropped)
        assert not carried & {entry["key"] for entry in dropped}
        assert all(
            "fell together" in entry["reason"] or "2 of these are carried on" in entry["reason"] for entry in dropped
        )
        spins = [entry["multiplicity"] for entry in row["considered"] if entry["role"] == "adsorbed"]
        assert all(spins.count(spin) <= 2 for spin in spins)
    assert sifted >= 4


def _reference(adsorbate: str, energies: dict[str, float]) -> float:
    """OH is H2O - 1/2 H2, OOH is 2 H2O - 3/2 H2."""
    water, hydrogen = {"OH": (1.0, -0.5), "OOH": (2.0, -1.5)}[adsorbate]
    return water * energies["H2O"] + hydrogen * energies["H2"]


@pytest.mark.slow
def test_thermal_terms_are_those_of_the_modes(tmp_path: Path, cli: Cli) -> None:
    documents, rows = ran(MODES, "modes", tmp_path, cli)
    assert len(rows) == 4
    temperature, floor = 330.0, 100 * 1.239841984e-4
    for row in rows:
        keys = {role: key for role, key in row["calculations"].items() if role.startswith("vibrations of ")}
        assert set(keys) == {f"vibrations of {role}" for role in ("adsorbed", "clean", "H2", "H2O")}
        total = 0.0
        for role, sign in (("adsorbed", 1.0), ("clean", -1.0)):
            modes = documents[keys[f"vibrations of {role}"]]
            # the metal alone has three modes, with OH nine, with O six
            assert (
                len(modes["energies"]) == {"clean": 3, "OH": 9, "O": 6}[role if role == "clean" else row["adsorbate"]]
            )
            real = [max(energy, floor) for energy in modes["energies"] if energy > 0]
            total += sign * HarmonicThermo(np.array(real)).get_helmholtz_energy(temperature, verbose=False)
        amounts = {"OH": {"H2O": 1.0, "H2": -0.5}, "O": {"H2O": 1.0, "H2": -1.0}}[row["adsorbate"]]
        # vapour pressure of water at 330 K: 17.21 kPa (IAPWS)
        for gas, amount in amounts.items():
            modes = documents[keys[f"vibrations of {gas}"]]
            thermo = IdealGasThermo(
                np.array(modes["energies"]),
                geometry="linear" if gas == "H2" else "nonlinear",
                atoms=atoms_from_dict(modes["atoms"]),
                symmetrynumber=2,
                spin=0,
                vib_selection="all",
            )
            pressure = 17.21e3 if gas == "H2O" else 1e5
            total -= amount * thermo.get_gibbs_energy(temperature, pressure, verbose=False)
        assert row["free"] - row["electronic"] == pytest.approx(total, abs=2e-4)
        kinds = {term["kind"] for term in row["terms"]}
        assert kinds == {"electronic", "zpe", "thermal", "entropy"}


def moments_policy(**options: Any) -> Policy:
    return Policy(calculator("mock").method({}), 0.05, spin="moments", **options)


def site(metals: str, family: str = "graphene") -> Any:
    recipe = next(iter(catalog.recipes({"family": family, "metals": metals})))
    return catalog.build(recipe)


def test_requests_carry_start_moments_where_the_method_takes_them() -> None:
    iron = site("Fe")
    requests = moments_policy().clean_requests(iron)
    assert {(r.multiplicity, r.moments) for r in requests} == {(1, (0.0,)), (3, (2.0,)), (5, (4.0,))}
    assert len({r.key for r in requests}) == 3
    plain = Policy(calculator("mock").method({}), 0.05).clean_requests(iron)
    assert {r.multiplicity for r in plain} == {1, 3, 5}
    assert all(r.moments is None for r in plain)
    # the key of a request without moments is what it was before there were any
    assert "moments" not in plain[0].to_dict()
    pair = site("Fe-Co", "graphene-dual")
    coupled = moments_policy().clean_requests(pair)
    assert any(min(r.moments or (0,)) < 0 < max(r.moments or (0,)) for r in coupled), "broken symmetry"
    # antiparallel and parallel low spins have other keys where only the moments differ
    assert len({r.key for r in coupled}) == len(coupled)


def test_start_moments_reach_the_calculator_and_final_ones_are_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[float, ...]] = []
    mock = calculator("mock")

    def make(order: Any, atoms: Any) -> Any:
        seen.append(tuple(atoms.get_initial_magnetic_moments()))
        assert mock.calculator is not None
        return mock.calculator(order, atoms)

    monkeypatch.setattr(
        calculators, "CALCULATORS", {**CALCULATORS, "mock": replace(mock, calculator=make, spin="moments")}
    )
    monkeypatch.setenv("ATOMSIEVE_FOLDER", str(tmp_path))
    iron = site("Fe")
    numerics = {"max_steps": 100, "optimizer": "BFGS", "seconds_per_force_call": 0.0}
    for request in moments_policy().clean_requests(iron):
        done = relax_one.original(request.to_dict(), numerics, iron.to_dict(), None)
        assert sum(seen[-1]) == pytest.approx((request.multiplicity or 1) - 1)
        assert seen[-1][iron.metals[0]] == pytest.approx(request.moments[0] if request.moments else 0)
        assert done["status"] == "done"
        assert Folder(tmp_path).stored(request.key)["moments"] is not None


def test_a_clean_site_in_a_state_that_was_not_stated_is_kept_but_not_taken() -> None:
    iron = site("Fe")
    moments = [0.0] * len(iron.atoms)
    judge = spin_judge(iron, 3)
    moments[iron.metals[0]] = 2.1
    assert judge(moments) is None
    # two unpaired electrons that are nowhere near the metal
    moments[iron.metals[0]] = 0.1
    found = judge(moments)
    assert found is not None
    assert found.verdict is Verdict.OTHER_SPIN
    assert "Fe +0.1 μB, 2S+1 = 3" in found.reason
    assert {start.multiplicity for start in starts(iron)} == {1, 3, 5}
