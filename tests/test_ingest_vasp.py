"""Directories of VASP runs: what is read, and what is refused with which reason."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.io.vasp import write_vasp

from atomsieve.workflows.ingest import vasp
from atomsieve.workflows.ingest.outcar import scan
from atomsieve.workflows.ingest.records import Refused, Run
from atomsieve.workflows.ingest.vasp_files import files_of
from atomsieve.workflows.ingest.vasp_method import Inputs, method_of

# finished jobs of atomate2's tests; see the README there
AU = Path(__file__).parent / "data" / "vasp_au"
#: Energies that VASP printed as energy(sigma->0), eV; their differences are those that atomate2's own test expects.
ENERGIES = {
    "slab_static": -35.98701212,
    "ads_static_1_3": -39.66260995,
    "ads_static_2_3": -40.63153896,
    "ads_static_3_3": -40.50568290,
    "mol_static": -1.57792469,
}
WATER = Atoms("OHH", [[5, 5, 5], [5.757, 5.586, 5], [4.243, 5.586, 5]], cell=[12, 12, 12], pbc=True)
INCAR = "GGA = PE\nENCUT = 500\nISPIN = 2\nIVDW = 12\nISMEAR = 0\nSIGMA = 0.05\nEDIFF = 1E-5\nNELM = 60\n"
RELAX = INCAR + "NSW = 100\nIBRION = 2\nEDIFFG = -0.02\n"


def read(directory: Path, *without: str) -> Run | Refused:
    names = [path.name for path in directory.iterdir() if not path.name.startswith(without or ("\0",))]
    return vasp.read(files_of(directory, names), str(directory))


def oszicar(*energies: float, steps: int = 12, magnetisation: float | None = None) -> str:
    """Write an OSZICAR as VASP does."""
    lines, before = [], 0.0
    for number, energy in enumerate(energies, start=1):
        lines.append("       N       E                     dE             d eps       ncg     rms          rms(c)")
        lines += [
            f"DAV: {n:3d}    {energy:.12E}   -0.32045E-01   -0.51E-03  1240   0.391E-01    0.2E-02"
            for n in range(1, steps + 1)
        ]
        mag = f"  mag= {magnetisation:9.4f}" if magnetisation is not None else ""
        lines.append(f" {number:3d} F= {energy:.8E} E0= {energy:.8E}  d E ={energy - before:.6E}{mag}")
        before = energy
    return "\n".join(lines) + "\n"


def plain_run(folder: Path, atoms: Atoms, energies: str, incar: str = INCAR, *, packed: bool = False) -> Path:
    """Write the smallest set of files that makes a run."""
    folder.mkdir(parents=True)
    write_vasp(folder / "CONTCAR", atoms, direct=True)
    (folder / "INCAR").write_text(incar)
    (folder / "OSZICAR").write_text(energies)
    (folder / "KPOINTS").write_text("mesh\n0\nGamma\n1 1 1\n")
    symbols = dict.fromkeys(atoms.symbols)
    titles = "".join(f"   TITEL  = PAW_PBE {symbol} 01Jan2000\n  0.1234567E+00\n" for symbol in symbols)
    (folder / "POTCAR").write_text(titles)
    if packed:
        for path in list(folder.iterdir()):
            path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes()))
            path.unlink()
    return folder


@pytest.mark.parametrize("without", ["OUTCAR", "vasprun"])
@pytest.mark.parametrize("name", ENERGIES)
def test_energies_are_those_that_vasp_printed(name: str, without: str) -> None:
    run = read(AU / name / "outputs", without)
    assert isinstance(run, Run)
    assert run.energy == pytest.approx(ENERGIES[name], abs=1e-8)
    assert run.trouble == ""


def test_adsorption_energies_of_oxygen_on_gold() -> None:
    """The numbers of atomate2's own test, from other readers than its own."""
    found = {name: read(AU / name / "outputs") for name in ENERGIES}
    energies = {name: run.energy for name, run in found.items() if isinstance(run, Run)}
    differences = [energies[f"ads_static_{n}_3"] - energies["slab_static"] - energies["mol_static"] for n in (2, 3, 1)]
    assert differences == pytest.approx([-3.06660215, -2.94074609, -2.09767314], abs=1e-8)


def test_both_files_tell_the_same_method_geometry_and_spin() -> None:
    for name in ENERGIES:
        one, other = (read(AU / name / "outputs", without) for without in ("OUTCAR", "vasprun"))
        assert isinstance(one, Run)
        assert isinstance(other, Run)
        assert one.method == other.method
        assert one.atoms is not None
        assert other.atoms is not None
        np.testing.assert_allclose(one.atoms.positions, other.atoms.positions, atol=2e-5)
        assert other.multiplicity == (3 if name == "mol_static" else 1)


def test_the_method_is_in_the_vocabulary_of_all() -> None:
    run = read(AU / "ads_static_2_3" / "outputs")
    assert isinstance(run, Run)
    physics = dict(run.method.physics)
    assert run.method.calculator == "vasp"
    assert run.method.is_predictive
    expected = {"functional": "RPBE", "dispersion": "none", "u": {}, "cutoff": 700.0, "solvent": "none"}
    expected |= {"charge_model": "neutral", "spin_polarised": True, "electronic_threshold": 1e-7}
    expected |= {"pseudopotentials": {"Au": "PAW_PBE Au 04Oct2007", "O": "PAW_PBE O 08Apr2002"}}
    assert {tag: physics[tag] for tag in expected} == expected
    # the slab's cell is 8.39 Å wide: 2 pi / 8.39 / 4
    assert run.atoms is not None
    assert physics["kpoints"] == pytest.approx(2 * np.pi / run.atoms.cell.lengths()[0] / 4, abs=1e-4)


def test_a_relaxation_tells_its_threshold() -> None:
    run = read(AU / "slab_relax" / "outputs")
    assert isinstance(run, Run)
    assert (run.fmax, run.remarks) == (0.02, ())
    assert run.max_force == pytest.approx(0.00126471, abs=1e-6)


def test_the_magnetisation_of_an_outcar() -> None:
    found = scan(AU / "mol_static" / "outputs" / "OUTCAR.gz")
    assert found.magnetisation == pytest.approx(2.0, abs=1e-5)
    assert (found.titles, found.valences, found.is_complete) == (["PAW_PBE O 08Apr2002"], [6.0], True)


@pytest.mark.parametrize("packed", [False, True])
def test_the_least_that_makes_a_run(tmp_path: Path, packed: bool) -> None:
    path = plain_run(tmp_path / "run", WATER, oszicar(-14.1, -14.2215, -14.2219), RELAX, packed=packed)
    run = read(path)
    assert isinstance(run, Run)
    assert (run.energy, run.trouble, run.fmax, run.multiplicity) == (-14.2219, "", 0.02, None)
    assert run.method.physics["pseudopotentials"] == {"O": "PAW_PBE O 01Jan2000", "H": "PAW_PBE H 01Jan2000"}
    assert run.method.physics["dispersion"] == "D3(BJ)"
    assert run.method.physics["kpoints"] == "Γ"
    assert run.remarks == ("its forces are not known: OSZICAR holds none",)
    assert "0.1234567" not in str(vars(run))


def test_the_spin_of_an_oszicar(tmp_path: Path) -> None:
    run = read(plain_run(tmp_path / "run", WATER, oszicar(-14.2, magnetisation=1.97)))
    assert isinstance(run, Run)
    assert run.multiplicity == 3


@pytest.mark.parametrize(
    ("energies", "incar", "trouble"),
    [
        (oszicar(-14.2, steps=60), INCAR, "did not reach EDIFF"),
        (oszicar(-14.1, -14.2, -14.21), RELAX.replace("NSW = 100", "NSW = 3"), "not relaxed within 3 steps"),
        (oszicar(-14.1, -14.2, -14.3), RELAX, "the last of 3 steps still changed the energy by 0.1000 eV"),
        (oszicar(-14.1) + oszicar(-14.2).rpartition("\n   1 F=")[0] + "\n", RELAX, "did not reach EDIFF"),
    ],
    ids=["scf", "steps", "killed between steps", "killed within a step"],
)
def test_what_has_not_converged_says_so(tmp_path: Path, energies: str, incar: str, trouble: str) -> None:
    run = read(plain_run(tmp_path / "run", WATER, energies, incar))
    assert isinstance(run, Run)
    assert trouble in run.trouble


def emptied(path: Path) -> None:
    for name in ("OSZICAR", "CONTCAR"):
        (path / name).write_text("")


def other_energy(path: Path) -> None:
    shutil.copy(AU / "slab_static" / "outputs" / "OUTCAR.gz", path)
    shutil.copy(AU / "slab_static" / "outputs" / "CONTCAR.gz", path)
    (path / "CONTCAR").unlink()


def other_structure(path: Path) -> None:
    shutil.copy(AU / "slab_static" / "outputs" / "OUTCAR.gz", path)
    (path / "OSZICAR").unlink()


def appended(text: str) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        with (path / "INCAR").open("a") as file:
            file.write(text)

    return change


def garbled(path: Path) -> None:
    (path / "OSZICAR").write_bytes(bytes(range(256)) * 4)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (emptied, "OSZICAR and CONTCAR are empty"),
        (other_energy, "mixed: OSZICAR ends at -14.200000 eV, the other files at -35.987012 eV"),
        (other_structure, "mixed: the energy is of Au16, CONTCAR holds H2O"),
        (appended("NSW = 1\nIBRION = 5\n"), "vibrations (IBRION = 5)"),
        (appended("NSW = 500\nIBRION = 0\n"), "molecular dynamics (IBRION = 0)"),
        (appended("NELECT = 7\n"), "a charged cell"),
        (garbled, "OSZICAR"),
        (lambda path: (path / "CONTCAR").unlink(), "OSZICAR is there, but no CONTCAR"),
        (lambda path: (path / "OSZICAR").unlink(), "it never ran"),
    ],
    ids=["empty", "energies", "structures", "vibrations", "dynamics", "charged", "garbled", "no geometry", "never ran"],
)
def test_what_cannot_be_used_says_why(tmp_path: Path, spoil: Callable[[Path], Any], reason: str) -> None:
    path = plain_run(tmp_path / "run", WATER, oszicar(-14.2))
    spoil(path)
    found = read(path)
    assert isinstance(found, Refused)
    assert reason in found.reason


def test_a_file_that_is_cut_short_gives_way_to_the_next(tmp_path: Path) -> None:
    path = tmp_path / "run"
    shutil.copytree(AU / "slab_static" / "outputs", path)
    whole = (path / "vasprun.xml.gz").read_bytes()
    (path / "vasprun.xml.gz").write_bytes(whole[: len(whole) // 2])
    run = read(path)
    assert isinstance(run, Run)
    assert run.energy == pytest.approx(ENERGIES["slab_static"], abs=1e-8)

    text = gzip.decompress((path / "OUTCAR.gz").read_bytes())
    (path / "OUTCAR.gz").write_bytes(gzip.compress(text[: text.index(b"General timing")]))
    found = read(path)
    assert isinstance(found, Refused)
    assert "vasprun.xml.gz cannot be read" in found.reason
    assert "OUTCAR.gz stops before its end" in found.reason


def test_an_outcar_without_an_incar_does_not_tell_its_method(tmp_path: Path) -> None:
    """VASP 5 does not repeat the INCAR."""
    text = gzip.decompress((AU / "slab_static" / "outputs" / "OUTCAR.gz").read_bytes()).decode()
    (tmp_path / "OUTCAR").write_text(text.replace("INCAR:\n", "\n"))
    found = read(tmp_path)
    assert isinstance(found, Refused)
    assert "its method is not known" in found.reason


def test_neutral_electrons_written_out_are_no_charge() -> None:
    atoms = Atoms("FeN", [[0, 0, 0], [2, 0, 0]], cell=[10, 10, 10], pbc=True)
    inputs = Inputs({"ENCUT": 500, "NELECT": 13.0}, ("PAW_PBE Fe 06Sep2000", "PAW_PBE N 08Apr2002"), None, (8.0, 5.0))
    assert method_of(inputs, atoms).physics["charge_model"] == "neutral"


def test_u_goes_by_element_and_the_potentials_by_their_titles() -> None:
    atoms = Atoms("FeN4", np.arange(15).reshape(5, 3) * 1.1, cell=[10, 10, 10], pbc=True)
    tags = {"ENCUT": 500, "LDAU": True, "LDAUU": [4.0, 0.0], "LDAUJ": [0.7, 0.0], "LDAUL": [2, -1]}
    physics = method_of(Inputs(tags, ("PAW_PBE Fe_pv 02Aug2007", "PAW_PBE N 08Apr2002")), atoms).physics
    assert physics["u"] == pytest.approx({"Fe": 3.3})
    assert physics["pseudopotentials"] == {"Fe": "PAW_PBE Fe_pv 02Aug2007", "N": "PAW_PBE N 08Apr2002"}
