"""Metals: free atoms and bulk cells as the flows calculate them, and the energy of the bulk by each scheme."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from ase.data import atomic_numbers as number_of
from ase.data import ground_state_magnetic_moments
from jobflow import run_locally

from atomsieve.analysis.bulk import (
    SCHEMES,
    EquationOfState,
    bulk_energy,
    equation_of_state,
    mixing_corrections,
    species,
)
from atomsieve.analysis.verdict import judge_molecule
from atomsieve.builders.family import TRANSITION_METALS
from atomsieve.structures.errors import InputError
from atomsieve.structures.hubbard import hubbard_u
from atomsieve.structures.metal import SCALES, at_experimental_volume, bulk_name, bulk_names, metal, metals
from atomsieve.structures.method import Method
from atomsieve.structures.molecule import molecule
from atomsieve.structures.reference import reference as reference_of
from atomsieve.workflows.calculators import CALCULATORS, calculator
from atomsieve.workflows.codes.frames import start_moments
from atomsieve.workflows.codes.periodicity import boxed, kpoint_mesh
from atomsieve.workflows.codes.vasp_inputs import incar_tags
from atomsieve.workflows.flows import gas_flow
from atomsieve.workflows.folder import Folder
from atomsieve.workflows.jobs import RelaxMaker
from atomsieve.workflows.metals import chosen_scheme, metal_method, scheme_problem
from atomsieve.workflows.optimization import optimize
from atomsieve.workflows.order import Order
from atomsieve.workflows.requests import Policy

MOCK = calculator("mock").method({})
#: Standard enthalpies of formation of the gaseous atoms at 298.15 K, kJ/mol, as the package mendeleev lists them after
#: the CRC Handbook. The heat that takes the solids at 0 K apart is less than 0.02 eV different (Hg is a liquid).
ATOMISATION = {
    "Sc": 377.8, "Ti": 473.0, "V": 515.5, "Cr": 397.5, "Mn": 283.3, "Fe": 415.5, "Co": 426.7, "Ni": 430.1, "Cu": 337.4,
    "Zn": 130.4, "Y": 424.7, "Zr": 610.0, "Nb": 733.0, "Mo": 659.0, "Tc": 678.0, "Ru": 650.6, "Rh": 556.0, "Pd": 376.6,
    "Ag": 284.9, "Cd": 111.8, "Hf": 618.4, "Ta": 782.0, "W": 851.0, "Re": 774.0, "Os": 787.0, "Ir": 669.0, "Pt": 565.7,
    "Au": 368.2, "Hg": 61.4, "Mg": 147.1, "Ca": 177.8, "Al": 330.9, "Ga": 272.0, "In": 243.0, "Sn": 301.2, "Pb": 195.2,
    "Sb": 264.4, "Bi": 209.6,
}  # fmt: skip


# data


def test_every_transition_metal_has_data() -> None:
    assert set(TRANSITION_METALS) <= set(metals())


@pytest.mark.parametrize("symbol", metals())
def test_cohesive_energies_are_heats_of_atomisation(symbol: str) -> None:
    # the heat of atomisation of technetium is an estimate
    assert metal(symbol).cohesive == pytest.approx(ATOMISATION[symbol] / 96.485, abs=0.18 if symbol == "Tc" else 0.09)


@pytest.mark.parametrize("symbol", metals())
def test_multiplicities_of_atoms_are_those_of_their_ground_states(symbol: str) -> None:
    assert metal(symbol).multiplicity == ground_state_magnetic_moments[number_of[symbol]] + 1
    assert (metal(symbol).multiplicity - 1 - number_of[symbol]) % 2 == 0


# species


def test_an_atom_is_a_molecule() -> None:
    iron = molecule("Fe(atom)")
    assert (iron.name, iron.multiplicity, iron.composition, iron.is_metal) == ("Fe(atom)", 5, {"Fe": 1}, True)
    assert not iron.atoms.pbc.any()
    assert judge_molecule(iron, iron.atoms).reason == "a single atom"
    assert not molecule("H2O").is_metal


def test_a_bulk_is_a_molecule_with_a_cell_and_moments() -> None:
    iron = molecule("Fe(bulk 0.96)")
    assert iron == molecule(bulk_name("Fe", 0.96))
    assert iron.multiplicity is None
    assert iron.atoms.pbc.all()
    assert iron.atoms.get_volume() == pytest.approx(0.96 * 2.87**3 / 2)
    assert iron.atoms.get_initial_magnetic_moments() == pytest.approx([1.5 * 2.22])
    assert molecule("Fe(bulk)").name == "Fe(bulk 1.00)"
    assert judge_molecule(iron, iron.atoms).verdict == "intact"
    chromium = molecule("Cr(bulk)").atoms
    assert len(chromium) == 2
    assert chromium.get_initial_magnetic_moments().sum() == 0
    assert np.ptp(chromium.get_initial_magnetic_moments()) > 1
    zinc = molecule("Zn(bulk 1.08)").atoms
    assert zinc.cell.lengths()[2] / zinc.cell.lengths()[0] == pytest.approx(1.856)
    assert not zinc.get_initial_magnetic_moments().any()


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("Mn(bulk)", "58 atoms"),
        ("Hg(bulk 1.00)", "liquid"),
        ("La(atom)", "unknown metal"),
        ("Fe(bulk 3)", "out of range"),
        ("Fe(atom 1)", "unknown molecule"),
        ("Fe(slab)", "unknown molecule"),
    ],
)
def test_what_is_no_species_is_refused(name: str, why: str) -> None:
    with pytest.raises(InputError, match=why):
        molecule(name)


def test_all_metals_but_those_that_say_why_have_a_bulk() -> None:
    for symbol, known in metals().items():
        if known.no_bulk:
            continue
        atoms = molecule(bulk_name(symbol)).atoms
        distances = atoms.get_all_distances(mic=True)
        assert 2 <= atoms.get_volume() / len(atoms) / (4 / 3 * np.pi) <= 12, symbol
        assert distances.max(initial=3.0) > 2.0


def test_requests_tell_volumes_and_gases_apart() -> None:
    policy = Policy(MOCK, 0.05)
    names = ["Fe(atom)", *bulk_names("Fe").values(), "Cr(bulk)", "H2"]
    requests = [policy.molecule_request(name) for name in names]
    assert len({request.key for request in requests}) == len(names)
    assert [request.multiplicity for request in requests[:2]] == [5, None]


def test_metals_are_calculated_by_the_method_of_the_energies() -> None:
    emt = calculator("emt").method({})
    policy = Policy(MOCK, 0.05, single_point=emt, single_point_knows_spin=False)
    assert policy.molecule_request("H2").method == MOCK
    for name in ("Cu(atom)", "Cu(bulk)"):
        request = policy.molecule_request(name)
        assert (request.method, request.multiplicity, request.moves) == (emt, None, True)


# k-points, grids and spin in the codes


def test_the_mesh_of_a_metal_does_not_jump_along_its_volumes() -> None:
    for symbol in ("Fe", "Cr", "Co", "Sn"):
        cells = [boxed(molecule(bulk_name(symbol, scale)).atoms) for scale in SCALES]
        (mesh,) = {kpoint_mesh(cell, 0.25) for cell in cells}
        assert min(mesh) >= 5
    # a supercell, and a sheet, keep their own
    double = molecule(bulk_name("Fe", 1.12)).atoms * (2, 2, 2)
    assert at_experimental_volume(double) is double
    gas = molecule("Fe(atom)").atoms
    assert at_experimental_volume(gas) is gas


def test_codes_hold_no_multiplicity_in_a_bulk() -> None:
    iron, nickel = molecule("Fe(bulk)").atoms, molecule("Fe(atom)").atoms
    assert start_moments(iron, None) == pytest.approx([3.33])
    assert start_moments(nickel, 5) == pytest.approx([4.0])
    vasp = calculator("vasp")
    settings = {**vasp.resolve({"total_spin": "held"}), "u": {}, "pseudopotentials": {}}
    for atoms, multiplicity, held in ((iron, None, None), (boxed(nickel), 5, 4)):
        order = Order(settings, multiplicity, 0, Path(), fmax=0.05, steps=0)
        tags = incar_tags(order, atoms)
        assert tags.get("NUPDOWN") == held
        assert tags["ISYM"] == (2 if held is None else 0)
        assert "LDIPOL" not in tags


# the flow


def calculate(names: tuple[str, ...], folder: Path, policy: Policy, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setenv("ATOMSIEVE_FOLDER", str(folder))
    monkeypatch.chdir(folder)
    relax = RelaxMaker(numerics={policy.energy_method.key: {"max_steps": 50, "optimizer": "BFGS"}})
    found: dict[str, Any] = {}
    for name in names:
        flow = gas_flow(policy, relax, name)
        run_locally(flow, ensure_success=True, log=False)
        found[name] = Folder(folder).stored(policy.molecule_request(name).key)
    return found


@pytest.mark.filterwarnings("ignore:cd is deprecated:FutureWarning")
def test_atoms_and_bulk_run_as_gases_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vibrations = {"displacement": 0.01, "floor": 0.0, "metal": False, "follow": False}
    policy = Policy(method("gpaw"), 0.05, single_point=MOCK, vibrations=vibrations)
    names = (*species("Fe", "bulk"), *species("Cr", "cohesive"))
    found = calculate(names, tmp_path, policy, monkeypatch)
    assert all(document["status"] == "done" for document in found.values())
    # nothing in them moves: no relaxation by another method first, no vibrations
    assert len(list((tmp_path / "results").glob("*/*/result.json"))) == len(names)
    references = {name: reference_of(document) for name, document in found.items()}
    bulk = bulk_energy("Fe", "bulk", references)
    assert not isinstance(bulk, str)
    assert bulk.state is not None
    assert bulk.state.lattice[0] == pytest.approx(2.87, abs=0.002)
    assert bulk.energy == pytest.approx(-4.28, abs=0.001)
    cohesive = bulk_energy("Cr", "cohesive", references)
    assert not isinstance(cohesive, str)
    assert cohesive.energy == pytest.approx(references["Cr(atom)"]["energy"] - 4.10)


# energies


def reference(energy: float | None, key: str) -> dict[str, Any]:
    done = energy is not None
    return {
        "key": key, "energy": energy, "status": "done" if done else "failed",
        "verdict": "intact" if done else "not converged", "reason": "a single atom" if done else "the SCF gave up",
    }  # fmt: skip


def curve(symbol: str, shift: float = 0.0, at: float = 0.97) -> dict[str, dict[str, Any]]:
    """Return references of a bulk whose energy is least at a volume: -5 eV per atom there, raised by a shift."""
    size = len(molecule(bulk_name(symbol)).symbols)
    return {
        name: reference(size * (-5.0 + shift + 6.0 * (scale ** (1 / 3) - at ** (1 / 3)) ** 2), f"{shift}{name}")
        for scale, name in bulk_names(symbol).items()
    }


def test_the_minimum_of_the_volumes_is_the_bulk() -> None:
    found = bulk_energy("Co", "bulk", curve("Co"))
    assert not isinstance(found, str)
    assert isinstance(found.state, EquationOfState)
    assert found.energy == pytest.approx(-5.0, abs=1e-4)
    assert found.state.lattice == pytest.approx((2.51 * 0.97 ** (1 / 3), 1.622 * 2.51 * 0.97 ** (1 / 3)), abs=2e-3)
    (term,) = found.terms
    assert (term.name, term.kind) == ("E(Co bulk)", "electronic")
    assert all(key in term.source for key in (one["key"] for one in curve("Co").values()))


def test_an_equation_of_state_without_a_minimum_is_refused() -> None:
    beyond = {scale: -scale for scale in SCALES}
    with pytest.raises(InputError, match=r"largest volume.*1\.12 of that in experiment.*'cohesive'"):
        equation_of_state("Cu", beyond)
    with pytest.raises(InputError, match="smallest volume"):
        equation_of_state("Cu", {scale: scale for scale in SCALES})
    with pytest.raises(InputError, match="4 volumes make no equation of state; at least 5"):
        equation_of_state("Cu", dict(list(beyond.items())[:4]))
    torn = {scale: (scale - 1.0) ** 2 + (0.05 if scale == 1.04 else 0.0) for scale in SCALES}
    with pytest.raises(InputError, match=r"no one curve.*magnetic state"):
        equation_of_state("Cu", torn)
    assert "largest volume" in str(bulk_energy("Cu", "bulk", curve("Cu", at=1.3)))


def test_a_missing_calculation_is_named() -> None:
    assert bulk_energy("Fe", "cohesive", {}) == "Fe(atom) not calculated"
    failed = bulk_energy("Fe", "cohesive", {"Fe(atom)": reference(None, "k")})
    assert failed == "Fe(atom) not converged, the SCF gave up"
    with pytest.raises(InputError, match="unknown scheme for bulk metals 'melt'"):
        bulk_energy("Fe", "melt", {})


def test_mixed_energies_take_the_published_correction() -> None:
    assert mixing_corrections()["Fe"] == -2.256
    # pymatgen's values of U are those of the table that a campaign names
    assert set(mixing_corrections()) == set(hubbard_u("materials-project"))
    found = bulk_energy("Fe", "mixed", curve("Fe"))
    assert not isinstance(found, str)
    assert found.energy == pytest.approx(-5.0 + 2.256, abs=1e-4)
    assert found.terms[1].kind == "correction"
    assert "10.1038/s41598-021-94550-5" in found.terms[1].source


# schemes


def test_every_calculator_says_what_it_can() -> None:
    able = {name: set(entry.metals) for name, entry in CALCULATORS.items()}
    assert all(able.values())
    assert {name for name, what in able.items() if "bulk" not in what} == {"gfn1-xtb", "gfn2-xtb", "cp2k"}
    assert {name for name, what in able.items() if "atom" not in what} == {
        "emt", "chgnet", "sevennet", "mace", "fairchem",
    }  # fmt: skip


def method(name: str, **physics: Any) -> Method:
    return Method(name, MappingProxyType({"functional": "PBE", "kpoints": 0.25, "u": {}, **physics}), "dft")


MP = hubbard_u("materials-project")
MIT = hubbard_u("mit")


@pytest.mark.parametrize(
    ("by", "symbol", "scheme"),
    [
        (method("vasp"), "Fe", "bulk"),
        (method("gpaw"), "Mn", "cohesive"),
        (method("gfn2-xtb"), "Fe", "cohesive"),
        (method("chgnet"), "Fe", "bulk"),
        (method("cp2k", kpoints="Γ"), "Ni", "cohesive"),
        (method("vasp", u=MP), "Fe", "cohesive"),
        (method("vasp", u=MP), "Cu", "bulk"),
    ],
)
def test_the_scheme_that_is_taken(by: Method, symbol: str, scheme: str) -> None:
    assert chosen_scheme(by, symbol) == scheme
    assert scheme_problem(by, symbol, scheme) == ""
    assert metal_method(by, scheme) == by


@pytest.mark.parametrize(
    ("by", "symbol", "scheme", "why"),
    [
        (method("gfn2-xtb"), "Fe", "bulk", "GFN2-xTB is at Γ alone here.*'cohesive'"),
        (method("vasp", kpoints="Γ"), "Fe", "bulk", "Γ alone.*'cohesive' or k-points"),
        (method("vasp", u=MP), "Fe", "bulk", "U of 5.3 eV on Fe makes no sense.*'cohesive' or 'mixed'"),
        (method("vasp", u=MIT), "Fe", "bulk", "U of 4 eV on Fe makes no sense.*'cohesive'$"),
        (method("vasp"), "Mn", "bulk", "58 atoms.*'cohesive'"),
        (method("chgnet"), "Mn", "bulk", "58 atoms.*take a calculator that knows free atoms"),
        (method("chgnet"), "Fe", "cohesive", "not made for free atoms.*'bulk'"),
        (method("fairchem", task="oc20"), "Fe", "bulk", "'oc20'.*was not trained on bulk metals.*task: omat"),
        (method("vasp"), "Fe", "mixed", "nothing to mix; take the scheme 'bulk'"),
        (method("vasp", u=MIT), "Fe", "mixed", "wants vasp with PBE and the U of materials-project.*U of 4 eV"),
        (method("gpaw", u=MP), "Fe", "mixed", "wants vasp with PBE.*this is gpaw PBE"),
        (method("vasp", u=MP, functional="RPBE"), "Fe", "mixed", "wants vasp with PBE.*this is vasp RPBE"),
        (method("espresso"), "Pt", "bulk", "does not know Pt"),
    ],
)
def test_a_scheme_that_is_impossible_says_why(by: Method, symbol: str, scheme: str, why: str) -> None:
    with pytest.raises(InputError, match=why):
        chosen_scheme(by, symbol, scheme)


def test_no_scheme_at_all_is_refused_with_both_reasons() -> None:
    with pytest.raises(InputError, match=r"no energy of bulk Mn: bulk: .*58 atoms.*cohesive: .*free atoms"):
        chosen_scheme(method("sevennet"), "Mn")
    with pytest.raises(InputError, match="unknown scheme for bulk metals 'melt'"):
        chosen_scheme(MOCK, "Fe", "melt")
    assert set(SCHEMES) == {"bulk", "cohesive", "mixed"}


def test_mixed_calculates_the_bulk_without_u() -> None:
    by = method("vasp", u=MP)
    assert scheme_problem(by, "Fe", "mixed") == ""
    bare = metal_method(by, "mixed")
    assert bare.physics["u"] == {}
    assert bare.key != by.key
    assert {**bare.physics, "u": MP} == dict(by.physics)


# real calculators


def order(name: str, directory: Path, multiplicity: int | None) -> Order:
    entry = calculator(name)
    return Order({**entry.method({}).physics, **entry.numerics({})}, multiplicity, 0, directory, fmax=0.05, steps=20)


@pytest.mark.parametrize("name", ["gfn1-xtb", "gfn2-xtb"])
@pytest.mark.parametrize("symbol", ["Fe", "Co", "Ni"])
def test_xtb_atoms_converge_in_their_ground_state(name: str, symbol: str, tmp_path: Path) -> None:
    pytest.importorskip("tblite")
    atom, make = molecule(f"{symbol}(atom)"), calculator(name).calculator
    assert make is not None
    found = optimize(make, order(name, tmp_path, atom.multiplicity), atom.atoms)
    assert found.converged
    assert found.energy < -70


def test_emt_has_the_lattice_constants_it_was_fitted_to(tmp_path: Path) -> None:
    for symbol, a in (("Cu", 3.59), ("Pt", 3.92)):
        assert lattice("emt", symbol, tmp_path).lattice[0] == pytest.approx(a, abs=0.01)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["chgnet", "sevennet"])
@pytest.mark.parametrize(("symbol", "a"), [("Fe", 2.867), ("Cu", 3.615), ("Pt", 3.924)])
def test_learned_potentials_have_the_lattice_constants_of_experiment(
    name: str, symbol: str, a: float, tmp_path: Path
) -> None:
    if lacking := calculator(name).requirement.missing():
        pytest.skip(f"no {', no '.join(lacking)}")
    # they were trained on PBE, whose iron is 0.9 % short, copper 0.4 % and platinum 1.2 % long
    assert lattice(name, symbol, tmp_path).lattice[0] == pytest.approx(a, rel=0.015)


def lattice(name: str, symbol: str, directory: Path) -> EquationOfState:
    make = calculator(name).calculator
    assert make is not None
    energies = {
        scale: optimize(make, order(name, directory, None), molecule(species_name).atoms).energy
        for scale, species_name in bulk_names(symbol).items()
    }
    return equation_of_state(symbol, energies)
