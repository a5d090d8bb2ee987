"""VASP's inputs: against inputs written by hand, and against the meaning of their own tags."""

from __future__ import annotations

import bz2
import itertools
import json
from pathlib import Path

import numpy as np
import pymatgen.io.vasp.sets
import pytest
import yaml
from ase import Atoms
from ase.build import bulk, graphene, molecule
from ase.calculators.vasp.setups import setups_defaults
from pymatgen.io.ase import AseAtomsAdaptor
from pymatgen.io.vasp.inputs import Incar, Kpoints, Poscar

from atomsieve.builders.catalog import build, recipes
from atomsieve.builders.family import TRANSITION_METALS
from atomsieve.builders.placement import place
from atomsieve.builders.poses.placement import Placement
from atomsieve.structures.errors import InputError, MethodMismatchError
from atomsieve.structures.gate import Participant, require_combinable
from atomsieve.structures.hubbard import hubbard_tables, hubbard_u
from atomsieve.structures.vasp_tags import canonical_tags
from atomsieve.workflows.calculators import calculator
from atomsieve.workflows.codes.periodicity import boxed, kpoint_mesh, middle, vacuum_axes
from atomsieve.workflows.codes.vasp_inputs import DISPERSIONS, FUNCTIONALS, SOLVENTS, input_generator
from atomsieve.workflows.codes.vasp_run import grouping
from atomsieve.workflows.order import Order

GOLDEN = Path(__file__).parent / "data" / "vasp_golden"
PYMATGEN = Path(pymatgen.io.vasp.sets.__file__).parent


def site(**entry) -> Atoms:
    found = build(next(recipes(entry)))
    atoms = found.atoms.copy()
    atoms.info["metals"] = found.metals
    return atoms


def with_moments(atoms: Atoms, moments: dict[int, float]) -> Atoms:
    atoms.set_initial_magnetic_moments([moments.get(index, 0.0) for index in range(len(atoms))])
    return atoms


def fe_n4_oh() -> Atoms:
    bare = build(next(recipes({"family": "graphene", "metals": "Fe"})))
    return with_moments(place(bare, Placement("OH", bare.metals[0], "top")), {bare.metals[0]: 2.0})


def fe_co() -> Atoms:
    atoms = site(family="graphene-dual", metals="Fe-Co")
    iron, cobalt = atoms.info["metals"]
    assert (atoms.symbols[iron], atoms.symbols[cobalt]) == ("Fe", "Co")
    return with_moments(atoms, {iron: 2.0, cobalt: -1.0})


def co_porphine() -> Atoms:
    atoms = site(family="porphine", metals="Co")
    return with_moments(atoms, {atoms.info["metals"][0]: 1.0})


#: Site, settings, and what else is asked.
CASES = {
    "fe-n4-oh": (fe_n4_oh, {"u": "materials-project"}, {"steps": 250, "fmax": 0.03, "multiplicity": 4}),
    "fe-co": (
        fe_co,
        {"functional": "RPBE", "cutoff": 450, "solvent": "VASPsol water eps=78.4", "kpar": 2, "ncore": 4},
        {"steps": 300, "fmax": 0.05, "multiplicity": 2},
    ),
    "co-porphine": (
        co_porphine,
        {"functional": "HSE06", "algorithm": "All", "total_spin": "held"},
        {"steps": 0, "fmax": 0.05, "multiplicity": 2},
    ),
}


def order(settings: dict, **other) -> Order:
    entry = calculator("vasp")
    return Order(
        settings={**entry.method(settings).physics, **entry.numerics(settings)},
        **{"multiplicity": None, "charge": 0, "directory": Path(), "fmax": 0.05, "steps": 0} | other,
    )


def write(folder: Path, wanted: Order, atoms: Atoms) -> None:
    start = boxed(atoms)
    start = start[grouping(start)]
    structure = AseAtomsAdaptor.get_structure(start)
    input_generator(wanted, start).get_input_set(structure, potcar_spec=True).write_input(folder)


@pytest.mark.parametrize("name", CASES)
def test_inputs_are_those_written_by_hand(name: str, tmp_path: Path) -> None:
    make, settings, asked = CASES[name]
    write(tmp_path, order(settings, **asked), make())
    golden = GOLDEN / name
    assert dict(Incar.from_file(tmp_path / "INCAR")) == dict(Incar.from_file(golden / "INCAR"))
    ours, theirs = Kpoints.from_file(tmp_path / "KPOINTS"), Kpoints.from_file(golden / "KPOINTS")
    assert (ours.style, ours.kpts, ours.kpts_shift) == (theirs.style, theirs.kpts, theirs.kpts_shift)
    potentials = (tmp_path / "POTCAR.spec").read_text(encoding="utf-8").split()
    assert potentials == (golden / "POTCAR.spec").read_text(encoding="utf-8").split()
    assert Poscar.from_file(tmp_path / "POSCAR").site_symbols == [name.partition("_")[0] for name in potentials]


def test_the_box_of_a_molecule_leaves_15_angstrom_and_grows_by_half_ones(tmp_path: Path) -> None:
    # porphine is 10.07 Å wide between the outermost nuclei, and flat
    write(tmp_path, order({}), co_porphine())
    poscar = Poscar.from_file(tmp_path / "POSCAR")
    assert poscar.structure.lattice.matrix == pytest.approx(np.diag([25.5, 25.5, 15.0]))
    assert poscar.natoms == [1, 12, 20, 4]
    assert poscar.structure.frac_coords[0] == pytest.approx([0.5, 0.5, 0.5], abs=1e-3)


def test_atoms_without_moments_leave_the_start_to_vasp(tmp_path: Path) -> None:
    write(tmp_path, order({}), molecule("H2"))
    assert "MAGMOM" not in Incar.from_file(tmp_path / "INCAR")


def test_a_total_that_is_free_is_not_held(tmp_path: Path) -> None:
    write(tmp_path, order({}, multiplicity=3), co_porphine())
    assert "NUPDOWN" not in Incar.from_file(tmp_path / "INCAR")


def test_held_atoms_are_held_by_selective_dynamics(tmp_path: Path) -> None:
    from ase.constraints import FixAtoms

    atoms = fe_n4_oh()
    atoms.set_constraint(FixAtoms([0, 32]))  # a carbon and the hydrogen
    write(tmp_path, order({}, steps=3), atoms)
    free = Poscar.from_file(tmp_path / "POSCAR").selective_dynamics
    assert [index for index, flags in enumerate(free) if not any(flags)] == [1, 2]  # after Fe


# -- cells -------------------------------------------------------------------------------------------------------------


def sheet(height: float = 15.0) -> Atoms:
    atoms = graphene(size=(4, 4, 1), a=2.46, vacuum=height / 2)
    atoms.pbc = True
    return atoms


def test_meshes_by_hand() -> None:
    assert kpoint_mesh(sheet(), 0.25) == (3, 3, 1)  # 0.7373 / 0.25 = 2.95
    assert kpoint_mesh(sheet(), 0.2) == (4, 4, 1)  # 3.69
    assert kpoint_mesh(sheet(), 0.0) == (1, 1, 1)
    assert kpoint_mesh(boxed(molecule("H2O")), 0.1) == (1, 1, 1)
    # b* of the primitive cell of copper, 2π √3 / 3.6 = 3.023 in each direction
    assert kpoint_mesh(bulk("Cu", "fcc", a=3.6), 0.25) == (13, 13, 13)
    ribbon = Atoms("C2", [[0, 0, 0], [1.4, 0, 0]], cell=[4.26, 20, 15], pbc=(True, False, False))
    assert kpoint_mesh(ribbon, 0.25) == (6, 1, 1)  # 2π / 4.26 = 1.475
    # a length that fits exactly must not become one more for a rounding error
    exact = Atoms("C2", [[0, 0, 0], [np.pi / 0.75] * 3], cell=[2 * np.pi / 0.75] * 3, pbc=True)
    for spacing in (0.75, 0.375, 0.25, 0.15):
        assert kpoint_mesh(exact, spacing) == (round(0.75 / spacing),) * 3


def test_layers_that_are_stacked_have_no_vacuum() -> None:
    layers = Atoms("C4", [[0, 0, 0], [1.2, 0, 0], [0, 0, 3.35], [1.2, 0, 3.35]], cell=[2.4, 2.4, 6.7], pbc=True)
    assert vacuum_axes(layers) == ()
    assert vacuum_axes(sheet()) == (2,)
    assert vacuum_axes(boxed(molecule("CO2"))) == (0, 1, 2)


def test_the_middle_of_a_sheet_that_straddles_the_border_of_its_cell() -> None:
    atoms = sheet()
    atoms.positions[:, 2] = 0.0
    atoms.positions[::2, 2] = -0.3
    atoms.positions[1::2, 2] = 0.3
    assert middle(atoms, 2) in (pytest.approx(0.0, abs=1e-9), pytest.approx(1.0, abs=1e-9))
    atoms.wrap()
    assert middle(atoms, 2) in (pytest.approx(0.0, abs=1e-9), pytest.approx(1.0, abs=1e-9))
    atoms.positions[:, 2] = 14.0
    assert middle(atoms, 2) == pytest.approx(14 / 15)


def test_no_dipole_correction_without_exactly_one_vacuum(tmp_path: Path) -> None:
    for number, atoms in enumerate((molecule("H2O"), bulk("Cu", "fcc", a=3.6), sheet())):
        folder = tmp_path / str(number)
        write(folder, order({}), atoms)
        assert ("LDIPOL" in Incar.from_file(folder / "INCAR")) == (number == 2)


# -- what the tags mean ------------------------------------------------------------------------------------------------


def allowed() -> list[dict]:
    entry = calculator("vasp")
    found = []
    for functional, dispersion, solvent, u in itertools.product(FUNCTIONALS, DISPERSIONS, SOLVENTS, ("none", "mit")):
        settings = {"functional": functional, "dispersion": dispersion, "solvent": solvent, "u": u}
        if not entry.problems(settings):
            found.append(settings)
    return found


def test_the_method_says_what_the_inputs_mean(tmp_path: Path) -> None:
    entry = calculator("vasp")
    cases = allowed()
    assert len(cases) == 2 * 2 * (2 * 3 + 1) + 2 * 3
    cases += [
        {"smearing": "tetrahedron (Blöchl)", "precision": "Normal", "dipole": "none"},
        {"smearing": "Methfessel-Paxton 1", "smearing_width": 0.1, "electronic_threshold": 1e-5, "cutoff": 650},
    ]
    for number, settings in enumerate(cases):
        folder = tmp_path / str(number)
        write(folder, order(settings, steps=10), fe_co())
        meant = canonical_tags(Incar.from_file(folder / "INCAR"), ["Fe", "Co", "C", "N"])
        method = entry.method(settings)
        said = dict(method.physics)
        # of the table of U what is in the site; what is no tag of an INCAR, or no part of the method
        assert meant.pop("u") == {element: u for element, u in said.pop("u").items() if element in ("Fe", "Co")}
        assert meant.pop("force_threshold") == 0.05
        for name in ("kpoints", "pseudopotentials"):
            said.pop(name)
        assert said == meant


def test_a_run_of_another_code_path_is_combined_or_refused_by_the_gate() -> None:
    """A run that somebody made by hand, and ours."""
    ours = calculator("vasp").method({"u": "materials-project", "kpoints": 0.2458}).identity
    titles = {"Fe": "PAW_PBE Fe 06Sep2000", "N": "PAW_PBE N 08Apr2002", "C": "PAW_PBE C 08Apr2002"}
    incar = {"ENCUT": 500, "IVDW": 12, "ISPIN": 2, "LASPH": True, "PREC": "Accurate", "EDIFF": 1e-6, "ISMEAR": 0}
    incar |= {"SIGMA": 0.05, "LDIPOL": True, "IDIPOL": 3, "LDAU": True, "LDAUL": "-1 2 -1", "LDAUU": "0 5.3 0"}
    incar |= {"LDAUJ": "0 0 0"}

    def theirs(**changes) -> dict:
        physics = canonical_tags({**incar, **changes}, ["C", "Fe", "N"])
        return {**ours, "physics": {**physics, "pseudopotentials": titles, "kpoints": 0.2458}}

    elements = frozenset(titles)

    def gate(other: dict) -> tuple[str, ...]:
        return require_combinable([Participant("ours", ours, elements), Participant("theirs", other, elements)])

    assert gate(theirs()) == ()
    with pytest.raises(MethodMismatchError, match="u of Fe"):
        gate(theirs(LDAUU="0 4.0 0"))
    with pytest.raises(MethodMismatchError, match="dispersion"):
        gate(theirs(IVDW=11))


# -- tables ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "file"), [("materials-project", "MPRelaxSet.yaml"), ("mit", "MITRelaxSet.yaml")])
def test_tables_of_u_are_those_of_pymatgen_for_oxides(name: str, file: str) -> None:
    published = yaml.safe_load((PYMATGEN / file).read_text(encoding="utf-8"))["INCAR"]["LDAUU"]["O"]
    assert hubbard_u(name) == published
    assert "doi 10." in hubbard_tables()[name].source
    assert set(hubbard_u(name)) <= set(TRANSITION_METALS)


def test_an_unknown_table_of_u_is_refused() -> None:
    assert hubbard_u("none") == {}
    with pytest.raises(InputError, match="materials-project"):
        hubbard_u("materials project")


def test_potentials_are_those_that_vasp_recommends_and_their_titles_exist() -> None:
    titles = calculator("vasp").method({}).physics["pseudopotentials"]
    assert set(TRANSITION_METALS) <= set(titles)
    published = json.loads(bz2.decompress((PYMATGEN / "potcar-summary-stats.json.bz2").read_bytes()))["PBE_54"]
    for element, title in titles.items():
        # ASE's list is of an older set; 5.4 has no W_pv
        name = "W_sv" if element == "W" else element + setups_defaults["recommended"].get(element, "")
        assert title.split()[1] == name
        assert title.replace(" ", "") in published


# -- what does not go together -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "path", "text"),
    [
        ({"functional": "BEEF-vdW"}, "dispersion", "dispersion: none"),
        ({"functional": "HSE06", "u": "mit"}, "u", "u: none"),
        ({"functional": "HSE06", "algorithm": "Fast"}, "algorithm", "Damped"),
        ({"functional": "PB"}, "functional", "did you mean 'PBE'"),
        ({"cutoff": 300.0}, "cutoff", "400"),
    ],
)
def test_settings_are_refused_before_anything_runs(settings: dict, path: str, text: str) -> None:
    (problem,) = calculator("vasp").problems(settings)
    assert problem.path == path
    assert text in problem.message


def test_what_cannot_change_the_energy_is_no_method() -> None:
    entry = calculator("vasp")
    plain = entry.method({})
    for rung in (*entry.ladder, {"ncore": 8, "kpar": 4}):
        assert entry.method(dict(rung)).key == plain.key
    assert entry.method({"total_spin": "held"}).key != plain.key
    assert entry.method({"u": "mit"}).key != entry.method({"u": "materials-project"}).key
