"""Descriptors: known numbers of geometries by hand, what the periodic table says, and a campaign's table for pandas."""

from __future__ import annotations

import json
import math
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from ase import Atoms
from ase.io import write
from hypothesis import given, settings
from hypothesis import strategies as st

from atomsieve.analysis.adsorption import adsorption_energy
from atomsieve.analysis.database import Database
from atomsieve.analysis.descriptors.electronic import electronic, spin
from atomsieve.analysis.descriptors.elemental import d_electrons, elemental, ionic_radius, phi
from atomsieve.analysis.descriptors.geometric import bond_valence_sum, geometric, plane, polyhedron, tau4, tau5
from atomsieve.analysis.descriptors.table import columns_of, descriptor, descriptors
from atomsieve.builders import catalog
from atomsieve.structures.adsorbate import adsorbates
from atomsieve.structures.energies import AdsorptionEnergy, SiteLabel
from atomsieve.structures.errors import InputError
from atomsieve.structures.reaction import reactions
from atomsieve.structures.site import ActiveSite, site_label
from atomsieve.workflows.calculators import calculator
from atomsieve.workflows.campaigns import load
from atomsieve.workflows.descriptors import descriptor_rows, oxidation_states, show
from atomsieve.workflows.ingest.command import ingest
from atomsieve.workflows.optimization import optimize
from atomsieve.workflows.order import Order
from atomsieve.workflows.settings import Settings

from .test_ingest import CLEAN, GASES, PBE, STATES, fe_n4, mapping_of, posed, with_energy

Cli = Callable[..., subprocess.CompletedProcess[str]]

SQUARE = np.array([[2.0, 0, 0], [0, 2.0, 0], [-2.0, 0, 0], [0, -2.0, 0]])
TETRAHEDRON = np.array([[1.0, 1, 1], [-1, -1, 1], [1, -1, -1], [-1, 1, -1]])
TRIANGLE = np.array([[math.cos(a), math.sin(a), 0] for a in (0, 2 * math.pi / 3, 4 * math.pi / 3)])
POLES = np.array([[0, 0, 1.0], [0, 0, -1.0]])


def held(metal: str, *donors: tuple[str, Sequence[float]]) -> ActiveSite:
    """Return a metal at the origin among its donors."""
    atoms = Atoms([metal, *(symbol for symbol, _ in donors)], [(0, 0, 0), *(place for _, place in donors)])
    around = tuple(range(1, len(atoms)))
    return ActiveSite(
        "by hand", {"family": "by hand"}, atoms, "cluster", (0,), (around,), tuple((0, i) for i in around)
    )


def built(family: str, **values: Any) -> ActiveSite:
    return catalog.build(next(iter(catalog.recipes({"family": family, **values}))))


# geometry


@pytest.mark.parametrize("height", [0.0, 0.3, 0.7])
def test_square_with_the_metal_above_it(height: float) -> None:
    found = geometric(held("Fe", *(("N", place - [0, 0, height]) for place in SQUARE)))
    assert found["bond_mean"] == found["bond_N_min"] == pytest.approx(math.hypot(2.0, height))
    assert found["metal_height"] == pytest.approx(height)
    assert found["plane_rms"] == pytest.approx(0.0, abs=1e-9)
    angle = 2 * math.degrees(math.atan2(2.0, height))
    assert found["tau4"] == pytest.approx((360 - 2 * angle) / 141)
    assert found["coordination"] == "N4"
    assert found["coordination_number"] == 4
    assert found["tau5"] is None
    assert found["metal_distance"] is None
    if height == 0.0:
        assert found["coordination_geometry"] == "S:4"
        assert found["symmetry_measure"] == pytest.approx(0.0, abs=1e-6)


def test_indices_of_ideal_polyhedra() -> None:
    assert tau4(SQUARE) == pytest.approx(0.0, abs=1e-6)
    # the angle of a tetrahedron is 109.47°, which the definition takes for 109.5°
    assert tau4(TETRAHEDRON) == pytest.approx(1.0, abs=1e-3)
    assert tau5(np.vstack([TRIANGLE, POLES])) == pytest.approx(1.0)
    assert tau5(np.vstack([SQUARE, POLES[:1]])) == pytest.approx(0.0, abs=1e-6)
    assert tau4(TRIANGLE) is tau5(TRIANGLE) is None
    for points, name in (
        (SQUARE, "S:4"),
        (TETRAHEDRON, "T:4"),
        (TRIANGLE, "TL:3"),
        (np.vstack([SQUARE / 2, POLES]), "O:6"),
    ):
        found, measure = polyhedron(points)
        assert found == name
        assert measure == pytest.approx(0.0, abs=1e-6)
    assert polyhedron(POLES[:1]) == (None, None)


def test_a_plane_is_only_where_donors_have_one() -> None:
    puckered = SQUARE + np.array([[0, 0, 0.1], [0, 0, -0.1], [0, 0, 0.1], [0, 0, -0.1]]) + [0, 0, 0.5]
    assert plane(puckered) == (pytest.approx(0.5), pytest.approx(0.1))
    assert plane(TRIANGLE - [0, 0, 1.2]) == (pytest.approx(1.2), pytest.approx(0.0, abs=1e-9))
    line = np.array([[-2.0, 0, 1], [0, 0, 1], [2.0, 0, 1]])
    for pointless in (SQUARE[:2], line, TETRAHEDRON, np.vstack([SQUARE / 2, POLES])):
        assert plane(pointless) == (None, None)


def test_shells_are_written_as_a_chemist_does() -> None:
    found = geometric(built("graphene", metals="Co", coordination="N3C1"))
    assert (found["coordination"], found["second_shell"], found["coordination_number"]) == ("N3C1", "C8", 4)
    assert found["bond_C_mean"] < found["bond_max"] + 1e-9
    covered = geometric(built("porphine", metals="Fe", axial="OH"))
    assert covered["coordination"] == "N4+O1"
    assert covered["coordination_number"] == 5
    assert covered["tau4"] is None
    assert covered["tau5"] < 0.3
    assert covered["bond_axial"] < covered["bond_min"]


def test_what_is_far_in_relation_to_the_shell_is_not_coordinated() -> None:
    # the radius of chromium alone would have the four carbons at 2.66 Å bonded
    assert geometric(built("graphene", metals="Cr"))["coordination_number"] == 4
    stretched = held("Fe", *(("N", place) for place in SQUARE[:3]), ("N", [0, -3.2, 0]))
    assert geometric(stretched)["coordination_number"] == 3


def test_every_family_has_descriptors() -> None:
    """Coordination by distance is that by bonds, for every example as built, and all columns are known."""
    for family in catalog.families().values():
        for example in family.examples:
            site = built(family.name, **example)
            geometry = geometric(site)
            row = geometry | elemental(site, oxidation_states(site), geometry, site.multiplicity)
            shells = [len(donors) for donors in site.donors]
            own = [len(group) for group in site.axial] or [0] * len(shells)
            assert row["coordination_number"] == pytest.approx((sum(shells) + sum(own)) / len(shells)), site.label
            assert row["tau4"] is None or -0.01 < row["tau4"] < 1.01, site.label
            assert row["metal_height"] is None or row["metal_height"] < 1.5, site.label
            assert set(columns_of([row])) == set(row)


def test_bond_valences_add_up() -> None:
    # O'Keeffe and Brese: R = r1 + r2 - r1 r2 (√c1 - √c2)² / (c1 r1 + c2 r2), r of size and c of attraction
    r1, c1, r2, c2 = _parameters("Zn"), _parameters("Zn", "c"), _parameters("O"), _parameters("O", "c")
    ideal = r1 + r2 - r1 * r2 * (math.sqrt(c1) - math.sqrt(c2)) ** 2 / (c1 * r1 + c2 * r2)
    assert bond_valence_sum("Zn", ["O"], [ideal]) == pytest.approx(1.0)
    assert bond_valence_sum("Zn", ["O"] * 4, [1.97] * 4) == pytest.approx(4 * math.exp((ideal - 1.97) / 0.31))
    assert bond_valence_sum("Pt", ["N"], [2.0]) is None
    assert bond_valence_sum("Zn", [], []) is None


def _parameters(symbol: str, name: str = "r") -> float:
    from pymatgen.core.bond_valence import BV_PARAMS
    from pymatgen.core.periodic_table import Element

    return float(BV_PARAMS[Element(symbol)][name])


def _moved(
    site: ActiveSite, order: Sequence[int], turn: np.ndarray, shift: np.ndarray, cells: np.ndarray
) -> ActiveSite:
    """Return the same site turned, shifted, with atoms in other cells and in another order."""
    atoms = site.atoms.copy()
    across = cells * atoms.pbc
    atoms.set_positions((atoms.positions + across @ atoms.cell.array + shift) @ turn.T)
    atoms.set_cell(atoms.cell.array @ turn.T)
    place = {old: new for new, old in enumerate(order)}
    return ActiveSite(
        site.label,
        site.recipe,
        atoms[list(order)],
        site.kind,
        tuple(place[i] for i in site.metals),
        tuple(tuple(place[i] for i in reversed(group)) for group in site.donors),
        tuple(tuple(sorted((place[i], place[j]))) for i, j in site.bonds),  # type: ignore[misc]
        axial=tuple(tuple(place[i] for i in group) for group in site.axial),
    )


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), which=st.sampled_from(["sheet", "dual", "molecule"]))
def test_descriptors_do_not_depend_on_how_a_site_lies(seed: int, which: str) -> None:
    site = {
        "sheet": lambda: built("graphene", metals="Fe", coordination="N3C1", supercell="3x3"),
        "dual": lambda: built("graphene-dual", metals="Fe-Co", supercell="5x5"),
        "molecule": lambda: built("porphine", metals="Fe", axial="OH"),
    }[which]()
    rng = np.random.default_rng(seed)
    site = site.with_positions(site.atoms.positions + rng.normal(scale=0.05, size=site.atoms.positions.shape))
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    order = rng.permutation(len(site.atoms)).tolist()
    cells = rng.integers(-1, 2, size=(len(order), 3))
    moved = _moved(site, order, turn, rng.normal(scale=5.0, size=3), cells)
    before, after = geometric(site), geometric(moved)
    assert set(before) == set(after)
    for name, value in before.items():
        if isinstance(value, float):
            assert after[name] == pytest.approx(value, abs=1e-6), name
        else:
            assert after[name] == value, name


# elements


def test_d_electrons_of_free_atoms() -> None:
    # ground states, as every textbook lists them: Cr, Cu, Nb ... Pd, Pt and Au leave the rule
    known = {"Sc": 1, "Cr": 5, "Mn": 5, "Fe": 6, "Co": 7, "Ni": 8, "Cu": 10, "Zn": 10}
    known |= {"Mo": 5, "Ru": 7, "Pd": 10, "Ag": 10, "Hf": 2, "W": 4, "Pt": 9, "Au": 10, "Mg": 0, "Al": 0}
    assert {metal: d_electrons(metal) for metal in known} == known


def test_ionic_radii_are_shannons() -> None:
    # R. D. Shannon, doi 10.1107/S0567739476001551: four neighbours in a square and a tetrahedron, six in both spins
    assert ionic_radius("Ni", 2, 4, tau=0.0) == 0.49
    assert ionic_radius("Ni", 2, 4, tau=0.9) == ionic_radius("Ni", 2, 4) == 0.55
    assert ionic_radius("Zn", 2, 4, tau=0.0) == 0.60
    assert ionic_radius("Fe", 3, 6, multiplicity=6) == 0.645
    assert ionic_radius("Fe", 3, 6, multiplicity=2) == 0.55
    assert ionic_radius("Fe", 3, 6) is None
    assert ionic_radius("Zn", 2, 3) is None
    assert ionic_radius("Zn", 3, 4) is None


def test_elements_of_a_site_whose_support_states_charges() -> None:
    site = built("porphine", metals="Co")
    found = elemental(site, oxidation_states(site), geometric(site), multiplicity=2)
    assert (found["oxidation_state"], found["d_electrons_ion"], found["d_electrons"]) == (2, 7, 7)
    # of Co(II) with four neighbours there is the high-spin radius alone
    assert found["ionic_radius"] == 0.58
    assert (found["group"], found["period"], found["atomic_number"]) == (9, 4, 27)
    assert found["electronegativity"] == 1.88
    assert found["covalent_radius"] == 1.26
    assert oxidation_states(built("graphene", metals="Co")) == {}
    assert oxidation_states(built("MOF-74-chain", metals="Mg")) == {"Mg": 2}
    assert oxidation_states(built("oxo-trimer", metals="Ni")) == {"Ni": 2}


def test_phi_by_hand() -> None:
    """Pauling's electronegativities: Fe 1.83, Co 1.88, N 3.04, C 2.55, O 3.44, H 2.20."""
    assert phi(built("graphene", metals="Fe"), "O") == pytest.approx(6 * (1.83 + 4 * 3.04) / 3.44)
    assert phi(built("graphene", metals="Fe"), "H") == pytest.approx(6 * (1.83 + 4 * 3.04) / 2.20)
    mixed = built("graphene", metals="Co", coordination="N3C1")
    assert phi(mixed, "O") == pytest.approx(7 * (1.88 + 3 * 3.04 + 2.55) / 3.44)
    for other in (
        built("graphene", metals="Co", coordination="N3S1", supercell="6x6"),
        built("graphene-dual", metals="Fe-Co", supercell="5x5"),
        built("graphene", metals="Fe", axial="OH"),
    ):
        assert phi(other, "O") is None


# electrons


def test_electronic_structure_of_a_pair() -> None:
    site = built("graphene-dual", metals="Fe-Co", supercell="5x5")
    first, second = site.metals
    size = len(site.atoms)
    charges = np.zeros(size)
    charges[[first, second]] = 1.0, 0.5
    structure = {
        "charges": {"hirshfeld": charges.tolist()},
        "d_band": {str(first): {"centre": -1.5, "width": 2.0, "filling": 0.7}},
        "gap": 0.2,
    }
    moments = np.zeros(size)
    moments[[first, second]] = 3.0, -1.0
    found = electronic(site, moments.tolist(), structure)
    assert (found["charge_hirshfeld"], found["charge_hirshfeld_1"], found["charge_hirshfeld_2"]) == (0.75, 1.0, 0.5)
    assert (found["moment"], found["moment_1"], found["moment_2"]) == (1.0, 3.0, -1.0)
    # a mean of what is known of one alone would be none
    assert (found["d_band_centre"], found["d_band_centre_1"], found["d_band_centre_2"]) == (None, -1.5, None)
    assert found["d_band_centre_up"] is None
    assert found["gap"] == 0.2
    assert electronic(site, None)["moment_1"] is None
    distance = site.atoms.get_distance(first, second, mic=True)
    assert geometric(site)["metal_distance"] == pytest.approx(distance)


def _entry(multiplicity: int | None, energy: float | None, verdict: str = "intact") -> dict[str, Any]:
    status = "done" if energy is not None else "failed"
    named = {"key": f"{multiplicity} {energy}", "role": "clean", "reason": "", "multiplicity": multiplicity}
    return {**named, "status": status, "verdict": verdict, "energy": energy}


@pytest.mark.parametrize(
    ("considered", "states", "gap"),
    [
        ([_entry(3, -10.0), _entry(5, -9.6), _entry(1, -9.2)], 3, 0.4),
        ([_entry(3, -10.0), _entry(5, -9.6, "metal left its site"), _entry(1, None, "not converged")], 1, None),
        ([_entry(None, -10.0)], None, None),
    ],
)
def test_spin_states_that_may_be_used(considered: list[dict[str, Any]], states: int | None, gap: float | None) -> None:
    row = AdsorptionEnergy(
        SiteLabel("site", "ab", "graphene", ("Fe",)), "OH", {}, {}, (), "bound", "", {}, tuple(considered),
        {"clean": considered[0]["multiplicity"]},
    )  # fmt: skip
    found = spin([row])
    assert found["multiplicity"] == considered[0]["multiplicity"]
    assert found["spin_states"] == states
    assert found["spin_gap"] == (pytest.approx(gap) if gap is not None else None)
    assert spin([]) == {"multiplicity": None, "spin_states": None, "spin_gap": None}


# the table


def test_every_column_has_one_entry() -> None:
    for entry in descriptors().values():
        assert entry.kind in ("site", "geometric", "elemental", "electronic", "adsorption")
        assert entry.title
        assert entry.name == entry.name.strip()
    for name in adsorbates():
        assert descriptor(f"free_{name}").pattern == "free_{adsorbate}"
        assert descriptor(f"verdict_{name}").title.endswith(name)
    for name in reactions():
        assert descriptor(f"limiting_potential_{name}").unit == "V vs RHE"
    assert descriptor("bond_N_min_2").of_metal == 2
    assert descriptor("d_electrons").text(6.5) == "6.5"
    assert descriptor("d_electrons").text(6.0) == descriptor("d_electrons").text(6) == "6"
    assert descriptor("charge_bader").symbol == "charge_bader"
    with pytest.raises(InputError, match="bond_mean"):
        descriptor("bond_meen")
    shuffled = {"free_OH": 0, "moment_2": 0, "moment": 0, "site": 0, "moment_1": 0, "bond_mean": 0}
    assert columns_of([shuffled]) == ["site", "bond_mean", "moment", "moment_1", "moment_2", "free_OH"]


SITES = """\
name: small
sites:
  - {family: graphene, metals: Fe, supercell: 3x3}
  - {family: graphene-dual, metals: Fe-Co, supercell: 5x5}
  - {family: porphine, metals: Co}
adsorbates: [OH]
reactions: [HER]
"""
STAGES = """\
poses: {most: 1}
spin: {clean: 2}
descriptors: {electronic: true}
stages:
  - name: screen
    method: {calculator: mock}
    adsorbates: [OH]
    where: metal is Co
  - name: refine
    method: {calculator: mock}
"""


@pytest.mark.slow
def test_a_campaign_end_to_end(
    tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "small.yaml").write_text(SITES + STAGES, encoding="utf-8")
    ran = cli("run", "small.yaml", "--workers", "2", cwd=tmp_path)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    written = cli("descriptors", "small", "--output", "small.csv", cwd=tmp_path)
    assert written.returncode == 0, written.stderr

    monkeypatch.chdir(tmp_path)
    show("small", None, as_csv=False, as_json=True)
    told = json.loads(capsys.readouterr().out)
    units = {column["name"]: column["unit"] for column in told["columns"]}
    assert (units["bond_mean"], units["moment"], units["limiting_potential_HER"]) == ("Å", "μB", "V vs RHE")
    _same(pd.read_csv("small.csv"), told["rows"])
    show("small", None, as_csv=True, as_json=False)
    assert capsys.readouterr().out == Path("small.csv").read_text(encoding="utf-8")
    show("small", None, as_csv=False, as_json=False)
    shown = capsys.readouterr().out
    for needed in (
        "Fe-N4@graphene-3x3",
        "small, stage refine",
        "τ4",
        "φ(O)",
        "M-M",
        "ΔG(OH)",
        "U_L(HER)",
        "charge_electronegativity",
        "--csv",
    ):
        assert needed in shown
    with pytest.raises(InputError, match="to_parquet"):
        show("small", Path("small.xlsx"), as_csv=False, as_json=False)

    frame = pd.DataFrame(descriptor_rows("small"))
    assert list(frame["stage"]) == ["screen", "screen", "screen", "refine", "refine"]
    assert frame["reason"].isna().all()
    assert frame["limiting_potential_HER"].isna().tolist() == [True, True, True, False, False]
    assert frame.loc[0, "phi_O"] == pytest.approx(24.401163)
    dual = frame.loc[1]
    assert (dual["metals"], dual["d_electrons"], dual["d_electrons_1"], dual["d_electrons_2"]) == ("Fe-Co", 6.5, 6, 7)
    assert 2.0 < dual["metal_distance"] < 3.0
    assert frame.loc[2, "oxidation_state"] == 2
    # the mock's electrons follow electronegativities: nitrogen takes them from the metal
    assert (frame["charge_electronegativity"] > 0.0).all()
    assert (dual["charge_electronegativity_1"] + dual["charge_electronegativity_2"]) / 2 == pytest.approx(
        dual["charge_electronegativity"], abs=1e-6
    )
    # what numbers are is numbers: pandas can take means without more ado
    numbers = frame[["bond_mean", "tau4", "free_OH", "moment", "spin_gap"]]
    assert numbers.dtypes.map(pd.api.types.is_numeric_dtype).all()


def test_a_site_without_a_clean_state_keeps_its_row(tmp_path: Path) -> None:
    file = tmp_path / "small.yaml"
    file.write_text(f"{SITES}method: {{calculator: mock}}\n", encoding="utf-8")
    settings = Settings(folder=tmp_path / "atomsieve-data")
    checked = load(file, settings)
    site = catalog.build(next(checked.recipes()))
    row = adsorption_energy(
        site=site_label(site),
        adsorbate="OH",
        method=checked.policy.energy_method.to_dict(),
        policy=checked.selections["OH"],
        clean=[{**_entry(None, None, "not converged"), "reason": "120 steps, 0.3 eV/Å left"}],
        adsorbed=[],
        gases={},
    )
    assert list(descriptor_rows(str(file), settings)) == []
    with Database.embedded(settings.folder / "atomsieve.sqlite") as database:
        database.push([row], [])
    (found,) = descriptor_rows(str(file), settings)
    assert found["reason"] == f"not converged: {row.reason}"
    assert "0.3 eV/Å left" in found["reason"]
    assert "bond_mean" not in found
    assert (found["coordination"], found["d_electrons"], found["free_OH"]) == ("N4", 6, None)


def test_what_was_taken_in_is_described_as_far_as_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    frames = [with_energy(fe_n4().atoms, CLEAN), with_energy(posed("OH"), STATES["OH"])]
    write("all.xyz", [*frames, *(with_energy(*gas) for gas in GASES.values())], format="extxyz")
    assert ingest("frames", [Path("all.xyz")], mapping_of(tmp_path, PBE), [], as_json=True, is_dry=False) == 0
    (frame,) = descriptor_rows("frames")
    assert (frame["metals"], frame["coordination"], frame["coordination_geometry"]) == ("Fe", "N4", "S:4")
    assert frame["bond_mean"] == pytest.approx(geometric(fe_n4())["bond_mean"], abs=1e-6)
    assert frame["free_OH"] is not None

    rows = [",,H2,-6.77", ",,H2O,-14.22", "A,,,-100.0", "A,OH,,-110.0"]
    Path("t.csv").write_text("\n".join(["site,adsorbate,gas,energy", *rows]) + "\n", encoding="utf-8")
    mapping = mapping_of(tmp_path, {**PBE, "sites": {"A": {"metals": ["Fe", "Co"]}}})
    assert ingest("table", [Path("t.csv")], mapping, [], as_json=True, is_dry=False) == 0
    capsys.readouterr()
    (line,) = descriptor_rows("table")
    assert (line["metals"], line["d_electrons_2"], line["reason"]) == ("Fe-Co", 7, "its geometry is not stored")
    assert line["free_OH"] is not None
    assert line["phi_O"] is None


def _same(read: pd.DataFrame, rows: Sequence[dict[str, Any]]) -> None:
    assert list(read.columns) == list(rows[0])
    for (_, line), row in zip(read.iterrows(), rows, strict=True):
        for name, value in row.items():
            assert (pd.isna(line[name]) and value is None) or line[name] == value, name


# real geometries


@pytest.mark.slow
@pytest.mark.xtb
def test_trends_of_relaxed_sites(tmp_path: Path) -> None:
    """Zn is too large for the pore that Ni fills, and a metal on three nitrogens stands far above them."""
    entry = calculator("gfn1-xtb")
    assert entry.calculator is not None
    found = {}
    for metal, coordination, multiplicity in (("Ni", "N4", 1), ("Zn", "N4", 1), ("Co", "N3", 3)):
        site = built("graphene", metals=metal, coordination=coordination)
        resolved = {**entry.method({}).physics, **entry.numerics({})}
        order = Order(resolved, multiplicity, 0, tmp_path, fmax=0.05, steps=100)
        relaxed = optimize(entry.calculator, order, site.atoms)
        found[metal] = geometric(site.with_positions(relaxed.atoms.positions))
    assert 1.86 < found["Ni"]["bond_mean"] < found["Zn"]["bond_mean"] < 2.0
    for metal in ("Ni", "Zn"):
        assert found[metal]["coordination_geometry"] == "S:4"
        assert found[metal]["tau4"] < 0.1
        assert found[metal]["metal_height"] < 0.1
    assert 0.8 < found["Co"]["metal_height"] < 1.5
    assert found["Co"]["coordination_geometry"] == "TY:3"
