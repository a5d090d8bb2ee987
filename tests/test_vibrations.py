"""Vibrations for real: frequencies of molecules, a saddle and the way down from it, OH on a metal, a run cut short."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.optimize import BFGS
from ase.vibrations import Vibrations as AseVibrations
from jobflow import Flow
from tblite.ase import TBLite

from atomsieve.analysis.saddle import along_imaginary, followed_request
from atomsieve.analysis.thermochemistry import adsorbed_terms, gas_terms, harmonic_terms
from atomsieve.analysis.verdict import judge_molecule
from atomsieve.builders import catalog
from atomsieve.structures.calculation import Calculation, Failure, Request
from atomsieve.structures.errors import FailureClass, StoreError
from atomsieve.structures.judgement import Judgement, Verdict
from atomsieve.structures.molecule import molecule
from atomsieve.structures.reference import lowest
from atomsieve.structures.site import atoms_from_dict, atoms_to_dict
from atomsieve.structures.vibrations import (
    Vibrations,
    displacement_requests,
    vibrations_request,
)
from atomsieve.workflows.calculators import calculator
from atomsieve.workflows.flows import SiteFlowMaker
from atomsieve.workflows.folder import Folder
from atomsieve.workflows.jobs import RelaxMaker, evaluate_one
from atomsieve.workflows.local import LocalEngine
from atomsieve.workflows.relaxation import settle
from atomsieve.workflows.requests import Policy
from atomsieve.workflows.vibrations import assemble, vibrations_flow

NUMERICS = {"max_steps": 300, "optimizer": "BFGS"}
GFN1 = calculator("gfn1-xtb").method({})
GFN2 = calculator("gfn2-xtb").method({})
MOCK = calculator("mock").method({})
INTACT = Judgement(Verdict.INTACT, "as it is")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    monkeypatch.setenv("ATOMSIEVE_FOLDER", str(tmp_path))
    return Folder(tmp_path)


def vibrate(folder: Folder, relaxed: Request, atoms: Sequence[int], step: float = 0.01) -> Vibrations:
    """Run all displacements of a relaxation in this process, through the jobs' own function."""
    asked = vibrations_request(relaxed, atoms, step)
    for request in displacement_requests(relaxed, asked):
        done = evaluate_one.original(request.to_dict(), NUMERICS)
        assert done["status"] == "done", done
    document = assemble(asked, NUMERICS, folder)
    assert document["status"] == "done", document
    return Vibrations.from_dict(document)


def relaxed_gas(folder: Folder, name: str, method: Any) -> Request:
    gas = molecule(name)
    request = Request("molecule", {"molecule": name}, method, 0.01, gas.multiplicity)
    document = settle(request, gas.atoms, lambda atoms: judge_molecule(gas, atoms), NUMERICS, folder)
    assert document["status"] == "done"
    return request


def as_relaxed(folder: Folder, atoms: Atoms, name: str) -> Request:
    """Leave a geometry as the result of a relaxation that nobody ran."""
    request = Request("clean", {"by hand": name}, GFN1, 0.01, 1)
    energy, force = float(atoms.get_potential_energy()), float(np.linalg.norm(atoms.get_forces(), axis=1).max())
    folder.write(Calculation(request, energy, atoms_to_dict(atoms), "", INTACT, 1, force).to_dict())
    return request


def xtb(atoms: Atoms) -> Atoms:
    atoms.calc = TBLite(method="GFN1-xTB", verbosity=0)
    BFGS(atoms, logfile=None).run(0.005, 200)
    return atoms


# --- molecules ---------------------------------------------------------------------------------------------------


@pytest.mark.xtb
@pytest.mark.parametrize("name", ["H2", "H2O"])
def test_frequencies_are_those_that_ase_finds(folder: Folder, name: str, tmp_path: Path) -> None:
    request = relaxed_gas(folder, name, GFN1)
    found = vibrate(folder, request, range(len(molecule(name).symbols)))
    document = folder.read(request.key)
    assert document is not None
    atoms = atoms_from_dict(document["atoms"])
    atoms.calc = TBLite(method="GFN1-xTB", verbosity=0)
    theirs = AseVibrations(atoms, name=str(tmp_path / "ase"), delta=0.01)
    theirs.run()
    genuine = np.sort(theirs.get_frequencies().real)[-len(found.energies) :]
    assert found.wavenumbers == pytest.approx(genuine, abs=1.0)
    assert found.force_calls == 6 * len(atoms)
    assert not found.imaginary
    assert found.is_free


@pytest.mark.xtb
def test_zero_point_energy_of_water_is_that_of_the_literature(folder: Folder) -> None:
    found = vibrate(folder, relaxed_gas(folder, "H2O", GFN1), range(3))
    terms = {term.kind: term.value for term in gas_terms(found, "H2O", multiplicity=1)}
    assert terms["zpe"] == pytest.approx(0.57, abs=0.03)
    # Peterson 2010, doi 10.1039/c0ee00071j, and NASA polynomials
    assert terms["thermal"] == pytest.approx(0.103, abs=0.002)
    assert terms["entropy"] == pytest.approx(-0.5835, abs=0.003)


@pytest.mark.xtb
@pytest.mark.parametrize(("method", "error"), [(GFN1, 0.14), (GFN2, -0.15)], ids=["GFN1", "GFN2"])
def test_hydrogen_has_the_stiffness_of_its_method(folder: Folder, method: Any, error: float) -> None:
    # GFN1-xTB makes H2 too stiff by 14 %, GFN2-xTB too soft by 15 %, so that neither gives its zero-point energy, 0.27
    # eV, to better than 0.04. That this is the method's own is seen in its energies, which know nothing of our forces.
    request = relaxed_gas(folder, "H2", method)
    found = vibrate(folder, request, range(2))
    document = folder.read(request.key)
    assert document is not None
    atoms = atoms_from_dict(document["atoms"])
    atoms.calc = TBLite(method="GFN1-xTB" if method is GFN1 else "GFN2-xTB", verbosity=0)
    length, step = atoms.get_distance(0, 1), 0.01
    energies = []
    for change in (-2, -1, 0, 1, 2):
        atoms.set_distance(0, 1, length + change * step)
        energies.append(atoms.get_potential_energy())
    stiffness = np.dot([-1, 16, -30, 16, -1], energies) / (12 * step**2)
    # ħω in eV of eV/Å² and u, as cm⁻¹; 521.47 is 1/2πc of SI constants
    wavenumber = 521.47 * np.sqrt(stiffness / (1.008 / 2))
    assert found.wavenumbers == pytest.approx([wavenumber], rel=0.003)
    # harmonic wavenumber, Huber and Herzberg 1979
    assert found.wavenumbers[0] / 4401.2 - 1 == pytest.approx(error, abs=0.01)
    assert gas_terms(found, "H2", multiplicity=1)[0].value == pytest.approx(0.27, abs=0.045)


#: Harmonic wavenumbers of experiment, cm⁻¹: H2O of W. S. Benedict, N. Gailar, E. K. Plyler 1956, doi 10.1063/1.1742731;
#: CO2 of the NIST tables; CO of K. P. Huber, G. Herzberg 1979.
PUBLISHED: dict[str, tuple[list[float], Atoms]] = {
    "H2O": ([1648, 3832, 3943], Atoms("OHH", [[0, 0, 0], [0.757, 0.586, 0], [-0.757, 0.586, 0]])),
    "CO": ([2170], Atoms("CO", [[0, 0, 0], [0, 0, 1.128]])),
    "CO2": ([673, 673, 1354, 2397], Atoms("COO", [[0, 0, 0], [0, 0, 1.16], [0, 0, -1.16]])),
}


@pytest.mark.xtb
@pytest.mark.parametrize("name", PUBLISHED)
def test_frequencies_are_within_the_error_of_the_method(folder: Folder, name: str) -> None:
    published, start = PUBLISHED[name]
    atoms = xtb(start.copy())
    found = vibrate(folder, as_relaxed(folder, atoms, name), range(len(atoms)))
    # one of a site: its translations and rotations are among the modes, and lie low
    assert len(found.energies) == 3 * len(atoms)
    genuine = np.array(found.wavenumbers[-len(published) :])
    assert max(map(abs, found.wavenumbers[: -len(published)])) < 60
    # GFN1-xTB: 13 % too soft for the bend of water, at most 9 % off else
    assert genuine == pytest.approx(np.array(published), rel=0.14)
    assert genuine[-1] == pytest.approx(published[-1], rel=0.10)


@pytest.mark.xtb
def test_flat_ammonia_is_a_saddle_and_its_mode_leads_to_the_pyramid(folder: Folder) -> None:
    angles = 2 * np.pi / 3 * np.arange(3)
    flat = xtb(Atoms("NH3", [[0, 0, 0], *np.stack([np.cos(angles), np.sin(angles), 0 * angles], axis=1)]))
    assert np.ptp(flat.positions[:, 2]) < 1e-3
    found = vibrate(folder, as_relaxed(folder, flat, "flat"), range(4))
    lowest_mode = found.wavenumbers[0]
    assert -1300 < lowest_mode < -400
    assert f"{-lowest_mode:.0f}i" in found.judgement.reason
    umbrella = np.array(found.modes[0])
    assert abs(umbrella[:, 2]).sum() > 0.99 * abs(umbrella).sum()
    assert np.sign(umbrella[0, 2]) == -np.sign(umbrella[1, 2])
    assert len(harmonic_terms(found, "NH3")) == 3

    below = []
    for sign in (1, -1):
        start = along_imaginary(found, 0.15, sign)
        assert start.positions == pytest.approx(flat.positions, abs=0.15 + 1e-9)
        pyramid = xtb(start)
        below.append(pyramid.get_potential_energy())
        assert pyramid.get_angle(1, 0, 2) < 115
    # the barrier to inversion, 0.25 eV by experiment
    assert below[0] == pytest.approx(below[1], abs=0.002)
    assert 0.05 < flat.get_potential_energy() - below[0] < 0.5
    minimum = vibrate(folder, as_relaxed(folder, pyramid, "pyramid"), range(4))
    assert min(minimum.wavenumbers[-6:]) > 900


# --- a site ------------------------------------------------------------------------------------------------------


def states(folder: Folder, recipe: dict[str, Any], method: Any, fmax: float) -> tuple[Request, Request, int, int]:
    """Return the requests of the lowest clean state and of the lowest with OH, how many atoms a site has, its metal."""
    (full,) = catalog.recipes(recipe)
    site = catalog.build(full)
    policy = Policy(method, fmax, clean=1, most=1)
    made = SiteFlowMaker(policy, ("OH",), RelaxMaker(numerics={method.key: NUMERICS})).make(site)
    (run,) = LocalEngine(folder, 2).run([(None, made)])
    assert not run.errors
    clean = lowest(run.output["clean"])
    adsorbed = lowest(run.output["adsorbed"]["OH"])
    assert clean is not None
    assert adsorbed is not None
    found = [folder.read(state["key"]) for state in (clean, adsorbed)]
    requests = [Request.from_dict(document["request"]) for document in found if document is not None]
    return requests[0], requests[1], len(site.atoms), site.metals[0]


def run(folder: Folder, flow: Flow) -> dict[str, Any]:
    (done,) = LocalEngine(folder, 2).run([(None, flow)])
    assert not done.errors, done.errors
    output: dict[str, Any] = done.output
    return output


def starts(folder: Folder) -> list[str]:
    return [line.split()[1] for line in folder.starts.read_text().splitlines()]


def forget(folder: Folder, key: str) -> None:
    shutil.rmtree(folder.directory(key))


def test_a_run_that_was_cut_short_computes_only_what_is_missing(folder: Folder) -> None:
    clean, adsorbed, size, metal = states(folder, {"family": "graphene", "metals": "Co"}, MOCK, 0.02)
    relax = RelaxMaker(numerics={MOCK.key: NUMERICS})
    flow = vibrations_flow(relax, adsorbed, [size, size + 1], name="vibrations of OH*")
    assert [job.metadata["task"] for job in flow] == ["displacement"] * 12 + ["vibrations"]
    # jobs that wait for each other would not run side by side
    assert all(not job.input_references for job in list(flow)[:-1])
    before = len(starts(folder))
    first = run(folder, flow)
    assert len(starts(folder)) == before + 12
    whole = Vibrations.from_dict(folder.read(first["key"]))  # type: ignore[arg-type]
    assert whole.force_calls == 12
    assert len(whole.energies) == 6
    assert not whole.is_free

    # asked again, nothing runs
    assert run(folder, vibrations_flow(relax, adsorbed, [size + 1, size])) == first
    assert len(starts(folder)) == before + 12

    gone = [whole.displacements[i] for i in (0, 5, 11)]
    for key in (*gone, whole.key):
        forget(folder, key)
    assert run(folder, vibrations_flow(relax, adsorbed, [size, size + 1])) == first
    assert sorted(starts(folder)[before + 12 :]) == sorted(gone)
    again = Vibrations.from_dict(folder.read(first["key"]))  # type: ignore[arg-type]
    assert again.energies == whole.energies

    # the metal beside the adsorbate costs six more, and six in the clean site
    together = run(folder, vibrations_flow(relax, adsorbed, [metal, size, size + 1]))
    alone = run(folder, vibrations_flow(relax, clean, [metal]))
    assert len(starts(folder)) == before + 12 + 3 + 6 + 6
    both, bare = (Vibrations.from_dict(folder.read(state["key"])) for state in (together, alone))  # type: ignore[arg-type]
    terms = adsorbed_terms("OH", both, bare)
    assert [term.kind for term in terms] == ["zpe", "thermal", "entropy"] * 2


def test_a_displacement_that_failed_fails_the_vibrations_and_says_which(folder: Folder) -> None:
    request = relaxed_gas(folder, "H2", MOCK)
    asked = vibrations_request(request, [0, 1])
    displacements = displacement_requests(request, asked)
    with pytest.raises(StoreError, match="is not in"):
        assemble(asked, NUMERICS, folder)
    for one in displacements:
        evaluate_one.original(one.to_dict(), NUMERICS)
    document = folder.read(displacements[3].key)
    assert document is not None
    text = "the SCF did not converge"
    judgement = Judgement(Verdict.NOT_CONVERGED, text)
    forget(folder, displacements[3].key)
    folder.write(Failure(displacements[3], FailureClass.OTHER_SETTINGS, judgement, text, tried=(NUMERICS,)).to_dict())
    failed = assemble(asked, NUMERICS, folder)
    assert failed["status"] == "failed"
    assert failed["text"] == (
        "1 of 12 displacements failed; first: atom 0 by -0.01 Å along y: the SCF did not converge"
    )
    # it stands, until somebody finds numerics that work
    folder.write(document)
    assert assemble(asked, NUMERICS, folder) == failed
    mended = assemble(asked, {**NUMERICS, "mixer": "slow"}, folder)
    assert mended["status"] == "done"
    assert assemble(asked, NUMERICS, folder) == mended


def test_another_electronic_state_is_no_displacement(folder: Folder) -> None:
    request = relaxed_gas(folder, "H2", MOCK)
    asked = vibrations_request(request, [0, 1])
    displacements = displacement_requests(request, asked)
    for one in displacements:
        evaluate_one.original(one.to_dict(), NUMERICS)
    document = folder.read(displacements[4].key)
    assert document is not None
    forget(folder, displacements[4].key)
    folder.write({**document, "energy": document["energy"] - 0.31})
    failed = assemble(asked, NUMERICS, folder)
    assert failed["status"] == "failed"
    assert "atom 0 by +0.01 Å along z changes the energy by -0.3" in failed["text"]
    assert "another electronic state" in failed["text"]


def test_displacements_of_another_geometry_are_refused(folder: Folder) -> None:
    request = relaxed_gas(folder, "H2", MOCK)
    asked = vibrations_request(request, [0, 1])
    for one in displacement_requests(request, asked):
        evaluate_one.original(one.to_dict(), NUMERICS)
    document = folder.read(request.key)
    assert document is not None
    atoms = atoms_from_dict(document["atoms"])
    atoms.positions[1, 2] += 0.05
    forget(folder, request.key)
    folder.write({**document, "atoms": atoms_to_dict(atoms)})
    with pytest.raises(StoreError, match="starts from another geometry"):
        assemble(asked, NUMERICS, folder)


@pytest.mark.xtb
@pytest.mark.slow
def test_hydroxide_on_cobalt_porphine_vibrates_as_it_should(folder: Folder) -> None:
    clean, adsorbed, size, metal = states(folder, {"family": "porphine", "metals": "Co"}, GFN1, 0.03)
    relax = RelaxMaker(numerics={GFN1.key: NUMERICS})
    before = len(starts(folder))
    alone = Vibrations.from_dict(
        folder.read(run(folder, vibrations_flow(relax, adsorbed, [size, size + 1]))["key"])  # type: ignore[arg-type]
    )
    assert len(starts(folder)) == before + 12
    # O-H stretches at 3600-3750 cm⁻¹ on metals; Co-O and the bend of Co-O-H lie between 400 and 1000
    assert 3400 < alone.wavenumbers[-1] < 3900
    assert sum(400 < wavenumber < 1100 for wavenumber in alone.wavenumbers) >= 2
    zpe, thermal, entropy = (term.value for term in harmonic_terms(alone, "OH*", floor=100))
    # Peterson 2010 has 0.364, 0.046, -0.079 for OH* on Cu(211), doi 10.1039/c0ee00071j
    assert zpe == pytest.approx(0.364, abs=0.06)
    assert thermal == pytest.approx(0.046, abs=0.03)
    assert entropy == pytest.approx(-0.079, abs=0.06)

    # a third of the displacements are lost, and only these are made good
    gone = alone.displacements[::3]
    for key in (*gone, alone.key):
        forget(folder, key)
    count = len(starts(folder))
    run(folder, vibrations_flow(relax, adsorbed, [size, size + 1]))
    assert sorted(starts(folder)[count:]) == sorted(gone)
    again = Vibrations.from_dict(folder.read(alone.key))  # type: ignore[arg-type]
    assert again.wavenumbers == pytest.approx(alone.wavenumbers, abs=0.01)

    # an OH turns so freely that poses end at saddles of that; followed far and long enough they do not stay there
    where, found, energy = adsorbed, alone, float(folder.read(adsorbed.key)["energy"])  # type: ignore[index]
    for _ in range(3):
        if not found.imaginary:
            break
        follow = followed_request(found, where)
        assert follow.parents == (*where.parents, found.key)
        document = settle(follow, along_imaginary(found), lambda _: INTACT, NUMERICS, folder)
        assert document["energy"] < energy
        where, found, energy = follow, vibrate(folder, follow, [size, size + 1]), document["energy"]
    assert not found.imaginary

    # with the metal the sum hardly changes: Co is heavy beside OH, and its own modes are taken off again
    both = run(folder, vibrations_flow(relax, adsorbed, [metal, size, size + 1]))
    bare = run(folder, vibrations_flow(relax, clean, [metal]))
    records = [Vibrations.from_dict(folder.read(state["key"])) for state in (both, bare)]  # type: ignore[arg-type]
    terms = adsorbed_terms("OH", records[0], records[1], floor=100)
    assert sum(term.value for term in terms) == pytest.approx(zpe + thermal + entropy, abs=0.05)
