"""Electronic structure of clean sites: d-band moments by hand, what each calculator gives, and a campaign that asks."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule

from atomsieve.analysis.adsorption import with_electronic
from atomsieve.analysis.database import Database
from atomsieve.analysis.dband import HIGHEST, DBand, d_band, d_band_of_levels
from atomsieve.builders import catalog
from atomsieve.structures.calculation import Calculation, outcome_from_dict
from atomsieve.structures.energies import AdsorptionEnergy, SiteLabel, Term
from atomsieve.structures.errors import CampaignError, InputError
from atomsieve.workflows.calculators import CALCULATORS
from atomsieve.workflows.campaigns import load
from atomsieve.workflows.codes import cp2k, vasp_electronic, vasp_inputs
from atomsieve.workflows.electronic import frontier
from atomsieve.workflows.optimization import optimize
from atomsieve.workflows.order import Order
from atomsieve.workflows.plan import Planner
from atomsieve.workflows.settings import Settings

Cli = Callable[..., subprocess.CompletedProcess[str]]
ROOT = Path(__file__).resolve().parent.parent


def found(name: str, atoms: Atoms, folder: Path, multiplicity: int | None, **settings: object) -> dict[str, Any]:
    """Return the electronic structure by a calculator."""
    entry = CALCULATORS[name]
    resolved = {**entry.numerics(settings), **entry.method(settings).physics}
    order = Order(resolved, multiplicity, 0, folder, fmax=0.05, steps=0, electronic=True)
    assert entry.calculator is not None
    assert entry.electronic is not None
    optimize(entry.calculator, order, atoms)
    return dict(entry.electronic(order, atoms))


def porphine(metal: str) -> Atoms:
    (recipe,) = catalog.recipes({"family": "porphine", "metals": metal})
    return catalog.build(recipe).atoms.copy()


# -------------------------------------------------------------------------------------------------------------- d-band


def test_moments_of_a_rectangle_are_those_of_a_rectangle() -> None:
    # steps of 1/8 eV, with half the height at the ends, so that the trapezoids are the rectangle itself
    energies = np.arange(-80, 81) / 8
    densities = np.where((energies > -4) & (energies < 1), 2.0, 0.0)
    densities[np.isin(energies, (-4.0, 1.0))] = 1.0
    rectangle = d_band(energies + 5.0, densities, 5.0)
    assert rectangle.centre == pytest.approx(-1.5, abs=1e-12)
    # the variance of a rectangle of width w is w²/12; points h apart add h²/6
    assert rectangle.width == pytest.approx(np.sqrt(25 / 12 + (1 / 8) ** 2 / 6), abs=1e-12)
    assert rectangle.filling == pytest.approx(0.8, abs=1e-12)
    assert rectangle.to_dict().keys() == {"centre", "width", "filling"}


def test_moments_of_gaussians_are_their_own_for_each_spin() -> None:
    energies = np.linspace(-15.0, 15.0, 3001)
    up, down = (np.exp(-((energies - centre) ** 2) / (2 * 0.8**2)) for centre in (-3.0, 0.0))
    both = d_band(energies, [up, down], 0.0, highest=np.inf)
    assert (both.centre_up, both.centre_down) == pytest.approx((-3.0, 0.0), abs=1e-9)
    assert both.centre == pytest.approx(-1.5, abs=1e-9)
    # the variance of each, and that of the two centres
    assert both.width == pytest.approx(np.sqrt(0.64 + 1.5**2), abs=1e-9)
    # of the up states all but those 3.75 standard deviations above the centre, of the down states half
    assert both.filling == pytest.approx(0.75, abs=1e-4)
    assert d_band(energies, up, 0.0, highest=np.inf) == DBand(
        pytest.approx(-3.0), pytest.approx(0.8), pytest.approx(0.999912, abs=1e-6)
    )


def test_states_high_above_the_fermi_level_do_not_count() -> None:
    levels, shares = [[-2.0, 1.0, HIGHEST + 0.5]], [[3.0, 1.0, 5.0]]
    below = d_band_of_levels(levels, shares, [[1.0, 0.0, 0.0]], 0.0)
    assert below == DBand(pytest.approx(-1.25), pytest.approx(np.sqrt(27 / 16)), pytest.approx(0.75))
    everything = d_band_of_levels(levels, shares, [[1.0, 0.0, 0.0]], 0.0, highest=np.inf)
    assert everything.centre == pytest.approx((-6 + 1 + 5 * (HIGHEST + 0.5)) / 9)
    # what is occupied counts wherever it lies
    assert d_band_of_levels(levels, shares, [[1.0, 1.0, 1.0]], 0.0).filling == pytest.approx(1.0)
    with pytest.raises(InputError, match="no d states lie below 7 eV"):
        d_band([8.0, 9.0], [1.0, 1.0], 0.0)
    with pytest.raises(InputError, match="is it a metal with d states"):
        d_band_of_levels(levels, [[0.0, 0.0, 0.0]], [[1.0, 0.0, 0.0]], 0.0)


def test_a_gap_goes_by_electrons_and_by_spin_where_that_is_held() -> None:
    levels = [[-5.0, -3.0, -1.0], [-4.0, -2.0, 0.0]]
    doublet = [[1.0, 1.0, 0.0], [1.0, 0.0, 0.0]]
    assert frontier(levels, doublet, [1, 1, 1], held=True) == pytest.approx((-2.5, 1.0))
    # two levels that share an electron are no gap, however the halves are filled
    assert frontier([[-3.0, -1.0, -1.0]], [[1.0, 0.5, 0.5]], [1, 1, 1], held=True) == pytest.approx((-1.0, 0.0))
    # a smearing spreads electrons over a gap that is there all the same
    assert frontier(levels, [[1.0, 1.0, 0.1], [1.0, 0.9, 0.0]], [1, 1, 1], held=False) == pytest.approx((-1.5, 1.0))
    # a spin without electrons, and a high spin above an empty level of the other
    assert frontier([[-13.0, 1.0], [-9.0, 2.0]], [[1.0, 0.0], [0.0, 0.0]], [1, 1], held=True)[1] == pytest.approx(4.0)
    assert frontier([[-3.0, 2.0], [-1.0, 3.0]], [[1.0, 1.0], [0.0, 0.0]], [1, 1], held=True)[1] == 0.0
    # half of the weight of a band at two k-points is one electron at one of them
    assert frontier([[-2.0, 0.5]], [[1.0, 0.0]], [0.5, 0.5], held=False) == pytest.approx((-0.75, 2.5))


# --------------------------------------------------------------------------------------------------------- calculators


@pytest.mark.parametrize("name", ["gfn1-xtb", "gfn2-xtb"])
def test_xtb_gives_what_it_says(name: str, tmp_path: Path) -> None:
    water = found(name, molecule("H2O"), tmp_path, 1)
    (oxygen, *hydrogens) = water["charges"]["mulliken"]
    assert oxygen + sum(hydrogens) == pytest.approx(0.0, abs=1e-6)
    assert oxygen < -0.4
    assert hydrogens[0] == pytest.approx(hydrogens[1], abs=1e-6)
    assert water["gap"] > 5.0
    assert "d_band" not in water
    assert water["moments"] == pytest.approx([0.0] * 3, abs=1e-6)
    # one of two equal levels is empty
    radical = found(name, Atoms("OH", [[0, 0, 0], [0, 0, 0.97]]), tmp_path, 2)
    assert radical["gap"] == pytest.approx(0.0, abs=1e-4)
    assert sum(radical["moments"]) == pytest.approx(1.0, abs=1e-6)


def test_the_metal_of_a_porphine_has_lost_electrons_and_has_d_states(tmp_path: Path) -> None:
    atoms = porphine("Fe")
    answer = found("gfn2-xtb", atoms, tmp_path, 3)
    charges, (iron,) = np.array(answer["charges"]["mulliken"]), np.flatnonzero(atoms.symbols == "Fe")
    assert charges.sum() == pytest.approx(0.0, abs=1e-6)
    assert charges[iron] > 0.3
    assert (charges[atoms.symbols == "N"] < -0.1).all()
    assert sum(answer["moments"]) == pytest.approx(2.0, abs=1e-6)
    assert answer["moments"][iron] > 1.5
    ((index, states),) = answer["d_band"].items()
    assert index == str(iron)
    # d6 to d7 of ten
    assert 0.55 < states["filling"] < 0.75
    # the majority is filled, the minority is not
    assert states["centre_up"] < states["centre"] < states["centre_down"]


def test_the_d_states_of_vasp_are_those_of_its_projected_density() -> None:
    from pymatgen.core import Lattice, Structure
    from pymatgen.electronic_structure.core import Orbital, Spin
    from pymatgen.electronic_structure.dos import CompleteDos, Dos

    energies = np.linspace(-12.0, 12.0, 2401)
    structure = Structure(Lattice.cubic(8.0), ["N", "Fe"], [[0.25, 0, 0], [0, 0, 0]])
    up, down = (np.exp(-((energies - centre) ** 2) / (2 * 0.5**2)) for centre in (-1.0, 1.5))
    d_orbitals = (Orbital.dxy, Orbital.dyz, Orbital.dz2, Orbital.dxz, Orbital.dx2_y2)
    projected = {site: {orbital: {Spin.up: up, Spin.down: down} for orbital in d_orbitals} for site in structure}
    # what is s counts for nothing
    projected[structure[1]][Orbital.s] = {Spin.up: 9 * down, Spin.down: 9 * down}
    total = Dos(1.0, energies, {Spin.up: up, Spin.down: down})
    # the second atom that was asked about came first
    (only,) = vasp_electronic.d_states(CompleteDos(structure, total, projected), [1, 0])["d_band"].items()
    assert only[0] == "0"
    assert only[1]["centre_up"] == pytest.approx(-2.0, abs=1e-6)
    assert only[1]["centre_down"] == pytest.approx(0.5, abs=1e-6)
    assert only[1]["filling"] == pytest.approx((1.0 + 0.158655) / 2, abs=1e-4)
    table = np.array([[[-1.0, 1.0], [0.5, 0.0]], [[-0.8, 1.0], [0.4, 0.0]]])
    assert vasp_electronic.gap({Spin.up: table, Spin.down: table}, [0.5, 0.5], held=False) == pytest.approx(1.2)


def test_bader_charges_are_what_is_left_of_the_valence() -> None:
    import gzip

    # as the program of Bader's analysis writes it
    text = """\
    #         X           Y           Z       CHARGE      MIN DIST   ATOMIC VOL
 --------------------------------------------------------------------------------
    1    0.000000    0.000000    0.000000   10.700000    1.300000   16.000000
    2    2.000000    0.000000    0.000000    6.900000    1.100000   14.000000
 --------------------------------------------------------------------------------
    VACUUM CHARGE:               0.0000
    NUMBER OF ELECTRONS:        17.6000
"""
    assert vasp_electronic.acf_electrons(text) == [10.7, 6.9]
    stored = ROOT / "tests" / "data" / "vasp_au" / "ads_static_3_3" / "outputs" / "vasprun.xml.gz"
    assert vasp_electronic.valences(gzip.decompress(stored.read_bytes()).decode()) == [11.0] * 16 + [6.0]


def test_vasp_is_told_to_write_what_is_read(tmp_path: Path) -> None:
    entry = CALCULATORS["vasp"]
    order = Order({**entry.numerics({}), **entry.method({}).physics}, None, 0, tmp_path, 0.05, 0)
    atoms = bulk("Cu")
    plain = vasp_inputs.incar_tags(order, atoms)
    asked = vasp_inputs.incar_tags(replace(order, electronic=True), atoms)
    assert {tag for tag in asked if asked[tag] != plain.get(tag)} == {"NEDOS", "LCHARG", "LAECHG"}
    # no tag of the method is among them
    assert not set(vasp_electronic.TAGS) & {tag for tags in vasp_inputs.METHOD_TAGS.values() for tag in tags}


def test_charges_of_cp2k_are_read_from_its_output(tmp_path: Path) -> None:
    (tmp_path / f"{cp2k.LABEL}.out").write_text(
        """
                     Mulliken Population Analysis

 #  Atom  Element  Kind  Atomic population (alpha,beta) Net charge  Spin moment
       1     O        1          3.735432    2.735432    -0.470864     1.000000
       2     H        2          0.264568    0.264568     0.470864     0.000000
""",
        encoding="utf-8",
    )
    atoms: Any = Atoms("OH")
    atoms.calc = SimpleNamespace(results={"magmoms": [1.0, 0.0]})
    order = Order({}, 2, 0, tmp_path, 0.05, 0, electronic=True)
    answer = cp2k.electronic(order, atoms)
    assert answer == {"charges": {"mulliken": [-0.470864, 0.470864]}, "moments": [1.0, 0.0]}


@pytest.mark.slow
@pytest.mark.skipif(find_spec("gpaw") is None, reason="GPAW is not installed")
def test_gpaw_gives_charges_moments_gap_and_d_states(tmp_path: Path) -> None:
    quick = {"dispersion": "none", "vacuum": 8.0}
    oxide = found("gpaw", Atoms("NiO", [[0, 0, 0], [0, 0, 1.63]]), tmp_path, 3, **quick)
    for charges in (oxide["charges"]["hirshfeld"], oxide["charges"]["mulliken"]):
        assert sum(charges) == pytest.approx(0.0, abs=1e-3)
        assert 0.1 < charges[0] < 0.6
    assert oxide["moments"][0] > 1.0
    states = oxide["d_band"]["0"]
    assert states["centre_up"] < states["centre_down"]
    # d8 to d9 of ten
    assert 0.8 < states["filling"] < 0.95


@pytest.mark.slow
@pytest.mark.skipif(find_spec("gpaw") is None, reason="GPAW is not installed")
def test_the_d_band_of_copper_lies_where_it_should(tmp_path: Path) -> None:
    from gpaw import GPAW

    # the Fermi level wants a fine mesh, which is quicker with the symmetry that sites do without
    copper = bulk("Cu", a=3.61)
    copper.calc = GPAW(
        mode="lcao",
        basis="dzp",
        xc="PBE",
        h=0.25,
        nbands="nao",
        kpts={"size": (6, 6, 6), "gamma": True},
        occupations={"name": "fermi-dirac", "width": 0.1},
        txt=str(tmp_path / "gpaw.txt"),
    )
    copper.get_potential_energy()
    seen: Any = copper.copy()
    seen.calc = SimpleNamespace(framed=copper, results={"magmoms": [0.0]})
    order = Order({"basis": "dzp"}, None, 0, tmp_path, 0.05, 0, electronic=True)
    read = CALCULATORS["gpaw"].electronic
    assert read is not None
    answer = read(order, seen)
    assert answer["charges"]["hirshfeld"] == pytest.approx([0.0], abs=1e-2)
    assert answer["charges"]["mulliken"] == pytest.approx([0.0], abs=1e-6)
    # by a GGA the band reaches from about -5 to -1.5 eV; it is filled, but for the little d that is in higher states
    states = answer["d_band"]["0"]
    assert -3.3 < states["centre"] < -2.4
    assert 0.8 < states["width"] < 1.4
    assert 0.95 < states["filling"] < 1.0
    assert answer["gap"] < 0.3


def test_the_page_says_what_the_table_of_calculators_says() -> None:
    text = (ROOT / "docs" / "electronic.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ((?:`[\w-]+`(?:, )?)+) \| (.*?) \|", text, re.MULTILINE)
    written = {
        name: set(re.findall(r"charges|moments|d-band|gap", gives))
        for names, gives in rows
        for name in re.findall(r"`([\w-]+)`", names)
    }
    assert written == {name: set(entry.gives) for name, entry in CALCULATORS.items()}
    assert f"{HIGHEST:g} eV" in text


# ------------------------------------------------------------------------------------------------------------ campaigns

PLAIN = """\
name: levels
sites: [{family: graphene, metals: [Fe, Ni], supercell: 4x4}]
adsorbates: [OH]
method: {calculator: mock}
poses: {most: 1}
"""
ASKED = PLAIN + "descriptors: {electronic: true}\n"


def test_a_calculator_that_knows_nothing_of_electrons_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "levels.yaml"
    path.write_text(ASKED.replace("[Fe, Ni]", "[Ni]").replace("mock", "emt"), encoding="utf-8")
    with pytest.raises(
        CampaignError, match=r"descriptors\.electronic: true, but emt knows neither.*single_point: .*gpaw"
    ):
        load(path, Settings())
    # it may relax where another one gives the energies
    path.write_text(path.read_text() + "single_point: {calculator: gfn2-xtb}\n", encoding="utf-8")
    assert load(path, Settings()).policy.electronic
    stages = ASKED.replace("method: {calculator: mock}\n", "").replace("[Fe, Ni]", "[Ni]") + (
        "stages:\n- {name: first, method: {calculator: emt}MORE}\n- {name: second, method: {calculator: mock}}\n"
    )
    path.write_text(stages.replace("MORE", ""), encoding="utf-8")
    with pytest.raises(CampaignError, match=r"stages\[0\]\.descriptors\.electronic: .*false for this stage"):
        load(path, Settings())
    path.write_text(stages.replace("MORE", ", descriptors: {electronic: false}"), encoding="utf-8")
    assert [stage.policy.electronic for stage in load(path, Settings()).stages] == [False, True]


def test_keys_are_what_they_were_where_nothing_is_asked(tmp_path: Path) -> None:
    path = tmp_path / "levels.yaml"
    path.write_text(PLAIN, encoding="utf-8")
    plain = load(path, Settings()).policy
    path.write_text(ASKED, encoding="utf-8")
    asked = load(path, Settings()).policy
    assert "electronic" not in plain.to_dict()
    assert "electronic" not in plain.selection
    assert asked.selection == {**plain.selection, "electronic": True}
    assert type(asked).from_dict(asked.to_dict()) == asked
    state = {"key": "k", "multiplicity": 3, "charge": 0}
    request = asked.electronic_request(state)
    assert (request.task, request.method, request.parents, request.multiplicity) == (
        "electronic",
        asked.method,
        ("k",),
        3,
    )
    dear = replace(asked, single_point=CALCULATORS["gfn2-xtb"].method({}), single_point_knows_spin=False)
    assert dear.electronic_request(state).method == dear.single_point
    assert dear.electronic_request(state).multiplicity is None


@pytest.mark.slow
def test_a_campaign_calculates_the_electronic_structure_of_its_lowest_clean_states(tmp_path: Path, cli: Cli) -> None:
    path = tmp_path / "levels.yaml"

    def ran(text: str) -> None:
        path.write_text(text, encoding="utf-8")
        result = cli("run", "levels.yaml", cwd=tmp_path)
        assert result.returncode == 0, result.stdout + result.stderr

    def planned() -> tuple[int, int, int, int]:
        with Database.embedded(tmp_path / "atomsieve-data" / "atomsieve.sqlite") as database:
            made = Planner(load(path, Settings(folder=tmp_path / "atomsieve-data")), database).plan()
        count = made.counts["electronic"]
        return made.complete, count.stored, count.least, count.most

    ran(PLAIN)
    path.write_text(ASKED, encoding="utf-8")
    assert planned() == (0, 0, 2, 2)
    ran(ASKED)
    assert planned() == (2, 2, 0, 0)
    with Database.embedded(tmp_path / "atomsieve-data" / "atomsieve.sqlite") as database:
        documents = {document["key"]: document for document in database.calculations.query({})}
        rows = [row for row in database.adsorption_energies.query({}) if row["policy"].get("electronic")]
    electronic = {key for key, document in documents.items() if document["request"]["task"] == "electronic"}
    assert {row["calculations"]["electronic of clean"] for row in rows} == electronic
    assert len(electronic) == 2
    for row in rows:
        document = documents[row["calculations"]["electronic of clean"]]
        clean = documents[row["calculations"]["clean"]]
        assert document["request"]["parents"] == [clean["key"]]
        assert document["atoms"]["positions"] == clean["atoms"]["positions"]
        assert document["request"]["multiplicity"] == clean["request"]["multiplicity"]
        assert document["energy"] == pytest.approx(clean["energy"])
        calculation = outcome_from_dict(document)
        assert isinstance(calculation, Calculation)
        assert calculation.electronic is not None
        charges = calculation.electronic["charges"]["electronegativity"]
        assert sum(charges) == pytest.approx(0.0, abs=1e-9)
        assert charges[-1] > 0 > charges[-2]
        assert sum(calculation.electronic["moments"]) == pytest.approx(clean["request"]["multiplicity"] - 1)
        # others say nothing of it
        assert "electronic" not in clean
        assert Calculation.from_dict(clean).electronic is None
    # each energy is what it was without
    with Database.embedded(tmp_path / "atomsieve-data" / "atomsieve.sqlite") as database:
        before = [row for row in database.adsorption_energies.query({}) if "electronic" not in row["policy"]]
    assert {row["site"]["key"]: row["free"] for row in before} == {row["site"]["key"]: row["free"] for row in rows}


def test_a_failed_electronic_structure_costs_no_energy_and_is_told() -> None:
    site = SiteLabel("Fe", "site", "graphene", ("Fe",))
    term = Term("E(OH*)", "electronic", 0.5, "a")
    row = AdsorptionEnergy(site, "OH", {"key": "m"}, {}, (term,), "bound", "", {"clean": "c"}, ())
    entry = {"key": "e", "verdict": "not converged", "reason": "why", "energy": None, "multiplicity": 1}
    failed = with_electronic(row, {**entry, "status": "failed"})
    assert failed.free == row.free
    assert failed.calculations == row.calculations
    # what was considered and failed is looked at again whenever the campaign is run with other numerics
    assert [(one["role"], one["status"], one["reason"]) for one in failed.considered] == [
        ("electronic", "failed", "why")
    ]
    done = with_electronic(row, {**entry, "status": "done"})
    assert done.calculations == {"clean": "c", "electronic of clean": "e"}
    assert len({row.key, failed.key, done.key}) == 3
    assert with_electronic(row, None) is row
