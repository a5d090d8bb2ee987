"""VASP runs through atomate2's maker: on its own mock, which checks what is written and hands out stored outputs."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from ase import Atoms
from ase.constraints import FixAtoms
from ase.io import read
from atomate2.utils.testing.vasp import monkeypatch_vasp
from jobflow import CURRENT_JOB

from atomsieve.structures.calculation import Calculation, Request
from atomsieve.structures.errors import CalculationError, FailureClass
from atomsieve.structures.judgement import Judgement, Verdict
from atomsieve.workflows.attempts import Course
from atomsieve.workflows.calculators import calculator
from atomsieve.workflows.codes import vasp_run
from atomsieve.workflows.codes.vasp_installation import missing
from atomsieve.workflows.order import Order, Relaxed
from atomsieve.workflows.relaxation import relax

DATA = Path(__file__).parent / "data" / "vasp_au"
#: The tags that atomate2's set for adsorption and ours both write.
SHARED = "ALGO EDIFF ENCUT GGA ISMEAR ISPIN LASPH LORBIT LREAL LWAVE MAGMOM NELM NSW PREC SIGMA".split()  # noqa: SIM905
#: RPBE as the stored runs have it: no dispersion, no dipole correction.
RPBE = {
    "functional": "RPBE",
    "dispersion": "none",
    "cutoff": 700.0,
    "dipole": "none",
    "kpoints": 0.2,
    "algorithm": "Fast",
    "electronic_steps": 500,
}
STATIC = {**RPBE, "electronic_threshold": 1e-7, "smearing": "tetrahedron (Blöchl)", "smearing_width": 0.2}
ATOM = {**RPBE, "electronic_threshold": 1e-7, "smearing_width": 0.05}
RELAX = {**RPBE, "electronic_threshold": 1e-5, "smearing_width": 0.2}


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine on which VASP seems to be installed."""
    potentials = tmp_path / "potentials"
    potentials.mkdir()
    monkeypatch.setenv("PMG_VASP_PSP_DIR", str(potentials))
    monkeypatch.setenv("ATOMATE2_VASP_CMD", "true --as-vasp")


@pytest.fixture
def mock_vasp(monkeypatch: pytest.MonkeyPatch, machine: None):
    """atomate2's mock: names the stored job that is to come, returns its start."""
    mock = monkeypatch_vasp(monkeypatch, DATA)
    expect = next(mock)

    def prepare(job: str, settings: list[str] | None = None) -> Atoms:
        monkeypatch.setattr(CURRENT_JOB, "job", SimpleNamespace(name=job))
        expect({job: job}, {job: {"incar_settings": SHARED if settings is None else settings}})
        return stored_start(job)

    yield prepare
    next(mock, None)


def stored_start(job: str) -> Atoms:
    """Return the atoms of a stored input, with their start moments."""
    atoms = read(DATA / job / "inputs" / "POSCAR", format="vasp")
    incar = (DATA / job / "inputs" / "INCAR").read_text(encoding="utf-8")
    line = next(line for line in incar.splitlines() if line.startswith("MAGMOM"))
    groups = [group.split("*") for group in line.split("=")[1].split()]
    atoms.set_initial_magnetic_moments([float(moment) for number, moment in groups for _ in range(int(number))])
    return atoms


@pytest.fixture
def keep_input(monkeypatch: pytest.MonkeyPatch) -> list[Atoms]:
    """The structures that were handed to atomate2."""
    from atomate2.vasp.jobs import base

    seen: list[Atoms] = []
    write = base.write_vasp_input_set

    def remember(structure, *args, **kwargs):
        seen.append(structure.to_ase_atoms())
        return write(structure, *args, **kwargs)

    monkeypatch.setattr(base, "write_vasp_input_set", remember)
    return seen


def order(directory: Path, settings: dict, steps: int = 0, **other) -> Order:
    entry = calculator("vasp")
    return Order(
        settings={**entry.method(settings).physics, **entry.numerics(settings)},
        **{"multiplicity": None, "charge": 0, "directory": directory, "fmax": 0.02, "steps": steps} | other,
    )


def run(wanted: Order, atoms: Atoms) -> Relaxed:
    program = calculator("vasp").program
    assert program is not None
    return program(wanted, atoms)


def test_stored_runs_give_the_adsorption_energies_that_atomate2_publishes(mock_vasp, tmp_path: Path) -> None:
    energies = {}
    for job in ("slab_static", "mol_static", "ads_static_1_3", "ads_static_2_3", "ads_static_3_3"):
        folder = tmp_path / job
        folder.mkdir()
        atoms = mock_vasp(job)
        energies[job] = run(order(folder, ATOM if job == "mol_static" else STATIC), atoms).energy
    bare = energies["slab_static"] + energies["mol_static"]
    found = sorted(energies[f"ads_static_{i}_3"] - bare for i in (1, 2, 3))
    assert found == pytest.approx([-3.06660215, -2.94074609, -2.09767314], abs=1e-8)


def stored_forces(job: str) -> np.ndarray:
    """Return the last forces in vasprun.xml, read without the libraries that the code goes through."""
    text = gzip.decompress((DATA / job / "outputs" / "vasprun.xml.gz").read_bytes()).decode()
    rows = text[text.rindex('<varray name="forces"') :].partition("</varray>")[0].splitlines()[1:]
    return np.array([row.split()[1:4] for row in rows if "<v>" in row], dtype=float)


def test_a_relaxation_comes_back_in_the_frame_that_was_asked(mock_vasp, tmp_path: Path) -> None:
    asked = mock_vasp("slab_relax", [*SHARED, "EDIFFG", "IBRION", "ISIF", "LCHARG"])
    asked.positions += asked.cell[0]  # one cell further along
    before = asked.copy()
    result = run(order(tmp_path, RELAX, 300), asked)
    assert asked == before
    assert result.forces == pytest.approx(stored_forces("slab_relax"))
    final = read(DATA / "slab_relax" / "outputs" / "CONTCAR.gz", format="vasp")
    assert result.atoms.positions - asked.cell[0] == pytest.approx(final.positions, abs=1e-6)
    assert np.abs(result.atoms.positions - asked.positions).max() < 0.2
    assert (result.converged, result.force_calls) == (True, 4)
    assert result.moments == pytest.approx([0.0] * 16)
    assert result.versions["vasp"] == "6.3.2"
    assert "ISMEAR" in result.note  # pymatgen holds another smearing against a metal


def test_atoms_come_back_in_the_order_that_was_asked(mock_vasp, keep_input, tmp_path: Path) -> None:
    # VASP wants the atoms of an element together: the oxygen in the middle has to go to the end, and to come back
    stored = mock_vasp("ads_static_1_3")
    asked = stored[[*range(7), 16, *range(7, 16)]]
    result = run(order(tmp_path, STATIC), asked)
    assert keep_input[0].get_chemical_formula("reduce") == "Au16O"
    assert str(result.atoms.symbols) == str(asked.symbols) == "Au7OAu9"
    forces = stored_forces("ads_static_1_3")
    assert result.forces[7] == pytest.approx(forces[16])
    assert result.forces[8] == pytest.approx(forces[7])
    assert result.atoms.positions == pytest.approx(asked.positions, abs=1e-6)


def test_the_energy_is_that_of_no_smearing(mock_vasp, tmp_path: Path) -> None:
    # vasprun.xml of the atom: free energy -1.59720748, without entropy -1.55864190; their mean is the limit
    result = run(order(tmp_path, ATOM), mock_vasp("mol_static"))
    assert result.energy == pytest.approx((-1.59720748 - 1.5586419) / 2, abs=1e-7)
    assert result.moments == pytest.approx((1.553,))


def test_held_atoms_stay_and_show_no_force(mock_vasp, tmp_path: Path) -> None:
    atoms = mock_vasp("slab_static")
    atoms.set_constraint(FixAtoms([0, 5]))
    result = run(order(tmp_path, STATIC), atoms)
    assert not result.forces[[0, 5]].any()
    assert result.forces[1].any()
    poscar = (tmp_path / "vasp-1" / "POSCAR.gz").exists()
    assert poscar


def test_what_custodian_did_is_told(mock_vasp, tmp_path: Path) -> None:
    # the stored run of the atom met "dentet" twice: custodian gave it a denser mesh, then gaussian smearing
    note = run(order(tmp_path, ATOM), mock_vasp("mol_static")).note
    assert note.count("dentet") == 2
    assert "'ISMEAR': 0" in note


def test_a_correction_that_changes_the_method_is_no_answer(mock_vasp, tmp_path: Path) -> None:
    # what ran at last is gaussian: custodian had put it in the place of what was asked for
    atoms = mock_vasp("mol_static", ["ENCUT"])
    with pytest.raises(CalculationError, match=r"smearing \(ISMEAR 1 to 0\)") as caught:
        run(order(tmp_path, {**ATOM, "smearing": "Methfessel-Paxton 1"}), atoms)
    assert caught.value.failure_class is FailureClass.OTHER_SETTINGS
    assert "dentet" in str(caught.value)


def test_a_mesh_of_a_sheet_may_not_change_either(mock_vasp, tmp_path: Path) -> None:
    with pytest.raises(CalculationError, match=r"kpoints \(\(2, 2, 1\) to \(4, 4, 1\)\)"):
        run(order(tmp_path, {**STATIC, "kpoints": 0.4}), mock_vasp("slab_static"))


def test_too_few_electronic_steps_are_no_energy(mock_vasp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = tmp_path / "stored"
    shutil.copytree(DATA / "slab_static", stored / "slab_static")
    path = stored / "slab_static" / "outputs" / "vasprun.xml.gz"
    text = gzip.decompress(path.read_bytes()).decode()
    steps = text.count("<scstep>")
    text = text.replace('name="NELM">   500', f'name="NELM">   {steps}')
    path.write_bytes(gzip.compress(text.encode()))
    atoms = mock_vasp("slab_static")
    monkeypatch.setattr("atomate2.utils.testing.vasp._REF_PATHS", {"slab_static": stored / "slab_static"})
    with pytest.raises(CalculationError, match=f"not self-consistent after {steps} electronic steps") as caught:
        run(order(tmp_path, STATIC), atoms)
    assert caught.value.failure_class is FailureClass.OTHER_SETTINGS


def test_a_wrong_input_is_found_by_the_mock(mock_vasp, tmp_path: Path) -> None:
    # that the checks above are checks
    with pytest.raises(ValueError, match="ENCUT is inconsistent"):
        run(order(tmp_path, {**STATIC, "cutoff": 600.0}), mock_vasp("slab_static"))


def test_a_request_becomes_a_calculation(mock_vasp, tmp_path: Path) -> None:
    entry, start = calculator("vasp"), mock_vasp("slab_relax", ["ENCUT", "EDIFFG", "NSW"])
    # a molecule is not displaced at the start, which the mock would not have
    request = Request("molecule", {"molecule": "a slab"}, entry.method(RELAX), 0.02, multiplicity=1)
    numerics = {"max_steps": 300, "optimizer": "BFGS", "ladder": {"scf": entry.ladder}, **entry.numerics(RELAX)}
    found = relax(request, start, lambda _: Judgement(Verdict.INTACT, "as it was"), numerics, Course.resume(tmp_path))
    assert isinstance(found, Calculation)
    assert found.energy == pytest.approx(-35.9887717)
    assert found.force_calls == 4
    assert found.max_force < 0.02
    assert found.provenance["versions"]["vasp"] == "6.3.2"
    assert "custodian" in found.provenance["versions"]


# -- going on after a kill ---------------------------------------------------------------------------------------------


def killed(directory: Path, atoms: Atoms, moved: float, number: int = 1) -> None:
    """Leave what VASP leaves when it is killed: a CONTCAR of the step before, no vasprun.xml that can be read."""
    folder = directory / f"vasp-{number}"
    folder.mkdir()
    atoms = atoms.copy()
    atoms.positions[:, 2] += moved
    atoms.write(folder / "CONTCAR", format="vasp", direct=True)
    (folder / "vasprun.xml").write_text("<modeling><calculation><scstep>", encoding="utf-8")


def test_a_relaxation_goes_on_from_the_last_geometry(mock_vasp, keep_input, tmp_path: Path) -> None:
    start = mock_vasp("slab_relax", ["ENCUT"])
    # the mock compares with the stored start within 1e-3 of the cell, 0.025 Å
    killed(tmp_path, start, 0.02)
    result = run(order(tmp_path, RELAX, 300), start)
    assert keep_input[0].positions[:, 2] - start.positions[:, 2] == pytest.approx(0.02, abs=1e-6)
    assert (tmp_path / "vasp-2" / "vasprun.xml.gz").exists()
    assert result.converged


def test_a_torn_contcar_is_passed_over(mock_vasp, keep_input, tmp_path: Path) -> None:
    start = mock_vasp("slab_relax", ["ENCUT"])
    killed(tmp_path, start, 0.01)
    killed(tmp_path, start, 0.02, number=2)
    torn = tmp_path / "vasp-2" / "CONTCAR"
    torn.write_text(torn.read_text(encoding="utf-8")[:400], encoding="utf-8")
    run(order(tmp_path, RELAX, 300), start)
    assert keep_input[0].positions[:, 2] - start.positions[:, 2] == pytest.approx(0.01, abs=1e-6)


def test_a_single_point_never_moves_to_another_geometry(mock_vasp, keep_input, tmp_path: Path) -> None:
    start = mock_vasp("slab_static")
    killed(tmp_path, start, 0.02)
    run(order(tmp_path, STATIC), start)
    assert keep_input[0].positions == pytest.approx(start.positions)


# -- what is refused, with the cure ------------------------------------------------------------------------------------


def test_a_machine_without_vasp_is_refused_before_anything_is_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("PMG_VASP_PSP_DIR", raising=False)
    monkeypatch.setenv("ATOMATE2_VASP_CMD", "srun-of-nobody vasp_std")
    lacks = calculator("vasp").requirement.missing()
    assert [lack.split()[0] for lack in lacks] == ["folder", "program"]
    work = tmp_path / "work"
    work.mkdir()
    with pytest.raises(CalculationError, match=r"PMG_VASP_PSP_DIR.*srun-of-nobody.*ATOMATE2_VASP_CMD") as caught:
        run(order(work, {}), Atoms("H2", [[0, 0, 0], [0, 0, 0.74]]))
    assert caught.value.failure_class is FailureClass.GIVE_UP
    assert not list(work.iterdir())


def test_settings_files_count_as_the_environment_does(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("PMG_VASP_PSP_DIR", "ATOMATE2_VASP_CMD", "ATOMATE2_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / ".config").mkdir()
    (tmp_path / ".config" / ".pmgrc.yaml").write_text(f"PMG_VASP_PSP_DIR: {tmp_path}\n", encoding="utf-8")
    (tmp_path / ".atomate2.yaml").write_text("VASP_CMD: true -n 4 vasp_std\n", encoding="utf-8")
    assert missing() == []
    (tmp_path / ".config" / ".pmgrc.yaml").write_text("PMG_VASP_PSP_DIR: /nowhere\n", encoding="utf-8")
    assert missing() == ["folder of potentials /nowhere"]


def test_a_potential_that_is_not_there_is_named(machine: None, tmp_path: Path) -> None:
    with pytest.raises(CalculationError, match=r"(?s)POT_GGA_PAW_PBE_54.*PMG_VASP_PSP_DIR") as caught:
        run(order(tmp_path, {}), Atoms("H2", [[0, 0, 0], [0, 0, 0.74]]))
    assert caught.value.failure_class is FailureClass.GIVE_UP


def test_a_charge_is_refused(machine: None, tmp_path: Path) -> None:
    with pytest.raises(CalculationError, match="a charge of 1 e in a periodic cell"):
        run(order(tmp_path, {}, charge=1), Atoms("H2", [[0, 0, 0], [0, 0, 0.74]]))


def test_no_potential_stays_behind(mock_vasp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from atomate2.vasp.jobs import base

    pack = base.gzip_output_folder

    def potentials_too(*args, **kwargs) -> None:
        for name in ("POTCAR", "POTCAR.orig"):
            Path(name).write_text("licensed", encoding="utf-8")
        pack(*args, **kwargs)

    monkeypatch.setattr(base, "gzip_output_folder", potentials_too)
    atoms = mock_vasp("slab_static")
    run(order(tmp_path, STATIC), atoms)
    left = {path.name for path in (tmp_path / "vasp-1").iterdir()}
    assert "POTCAR.spec" in left
    assert not [name for name in left if name.startswith("POTCAR") and name != "POTCAR.spec"]


def test_a_hybrid_and_a_solvent_start_from_wave_functions_of_pbe_in_vacuum(tmp_path: Path) -> None:
    first = vasp_run.first_waves(
        order(tmp_path, {"functional": "HSE06", "solvent": "VASPsol water eps=78.4", "algorithm": "Damped"}, steps=7)
    )
    assert first is not None
    assert (first.settings["functional"], first.settings["solvent"], first.settings["algorithm"], first.steps) == (
        "PBE",
        "none",
        "Normal",
        0,
    )
    assert vasp_run.first_waves(order(tmp_path, {"functional": "RPBE"})) is None


# -- the whole way: potentials from a folder, a process that custodian watches -----------------------------------------

#: The form of a POTCAR with nothing in it: the numbers are made up.
POTCAR = """\
  PAW_PBE Au 04Oct2007
   11.0000000000000
 parameters from PSCTR are:
   VRHFIN =Au: s1d10
   LEXCH  = PE
   TITEL  = PAW_PBE Au 04Oct2007
   LULTRA =        F    use ultrasoft PP ?
   RCORE  =    1.0      outmost cutoff radius
   POMASS =  100.0; ZVAL   =   11.000    mass and valenz
   ENMAX  =  100.0; ENMIN  =  100.0 eV
   EAUG   =  100.0
   LEXCH  = PE
END of PSCTR-controll parameters
 local part
   1.0
 End of Dataset
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A folder of potentials and, as vasp_std, a shell script."""
    potentials = tmp_path / "potentials" / "POT_GGA_PAW_PBE_54" / "Au"
    potentials.mkdir(parents=True)
    (potentials / "POTCAR").write_text(POTCAR, encoding="utf-8")
    monkeypatch.setattr("pymatgen.core.SETTINGS", {"PMG_VASP_PSP_DIR": str(tmp_path / "potentials")})
    monkeypatch.setattr("pymatgen.io.vasp.inputs.SETTINGS", {"PMG_VASP_PSP_DIR": str(tmp_path / "potentials")})
    monkeypatch.setenv("PMG_VASP_PSP_DIR", str(tmp_path / "potentials"))

    def program(*lines: str) -> None:
        path = tmp_path / "vasp_std"
        path.write_text("\n".join(("#!/bin/sh", "set -e", *lines)), encoding="utf-8")
        path.chmod(0o755)
        monkeypatch.setenv("ATOMATE2_VASP_CMD", str(path))
        # atomate2 reads its settings once, when it is loaded
        monkeypatch.setattr("atomate2.vasp.run.run_vasp.__defaults__", _command(str(path)))

    return program


def _command(path: str) -> tuple:
    from atomate2.vasp.run import run_vasp

    kind, _, _, *rest = run_vasp.__defaults__
    return (kind, path, path, *rest)


@pytest.mark.slow
def test_custodian_runs_the_command_on_the_potentials_of_the_folder(installed, tmp_path: Path) -> None:
    outputs = DATA / "slab_relax" / "outputs"
    installed(
        "grep -q 'TITEL  = PAW_PBE Au' POTCAR",
        "grep -q 'GGA = Rp' INCAR",
        *(f"gzip -dc {outputs / name}.gz > {name}" for name in ("OUTCAR", "CONTCAR", "vasprun.xml")),
        "echo ' 1 F= -.35988771E+02 E0= -.35988771E+02  d E =0.0' > OSZICAR",
        "echo reached required accuracy",
    )
    result = run(order(tmp_path, RELAX, 300), stored_start("slab_relax"))
    assert result.energy == pytest.approx(-35.9887717)
    assert result.converged
    left = {path.name for path in (tmp_path / "vasp-1").iterdir()}
    assert {"custodian.json.gz", "vasprun.xml.gz"} <= left
    assert not [name for name in left if name.startswith("POTCAR")]


@pytest.mark.slow
def test_a_solvent_starts_from_the_wave_functions_in_vacuum(installed, tmp_path: Path) -> None:
    outputs = DATA / "slab_static" / "outputs"
    tags = '<i type="logical" name="LSOL"> T </i><i name="EB_K"> 78.4 </i>'
    installed(
        *(f"gzip -dc {outputs / name}.gz > {name}" for name in ("OUTCAR", "CONTCAR", "vasprun.xml")),
        "echo ' 1 F= -.35987012E+02 E0= -.35987012E+02  d E =0.0' > OSZICAR",
        "if grep -q 'LSOL = True' INCAR; then",
        "  grep -q 'of the vacuum' WAVECAR",
        f"  sed -i 's|<incar>|<incar>{tags}|' vasprun.xml",
        "else",
        "  grep -q 'LWAVE = True' INCAR; echo of the vacuum > WAVECAR",
        "fi",
    )
    settings = {**STATIC, "solvent": "VASPsol water eps=78.4"}
    result = run(order(tmp_path, settings), stored_start("slab_static"))
    assert result.energy == pytest.approx(-35.98701212)
    assert [path.name for path in tmp_path.glob("vasp-*")] == ["vasp-1"]
    assert not list(tmp_path.rglob("WAVECAR*"))


def test_a_potential_of_another_year_is_refused_before_vasp_runs(installed, tmp_path: Path) -> None:
    installed("touch it-ran")
    path = tmp_path / "potentials" / "POT_GGA_PAW_PBE_54" / "Au" / "POTCAR"
    path.write_text(POTCAR.replace("04Oct2007", "06Sep2000"), encoding="utf-8")
    with pytest.raises(
        CalculationError, match="is 'PAW_PBE Au 06Sep2000', of the method 'PAW_PBE Au 04Oct2007'"
    ) as caught:
        run(order(tmp_path, RELAX, 300), stored_start("slab_relax"))
    assert caught.value.failure_class is FailureClass.GIVE_UP
    assert not list((tmp_path / "vasp-1").iterdir())


@pytest.mark.slow
def test_a_vasp_that_dies_is_a_failure_with_the_word_of_custodian(installed, tmp_path: Path) -> None:
    installed("echo Segmentation fault >&2", "exit 139")
    with pytest.raises(CalculationError, match="custodian gave up") as caught:
        run(order(tmp_path, RELAX, 300), stored_start("slab_relax"))
    assert caught.value.failure_class is FailureClass.OTHER_SETTINGS
