"""Ingestion: what each run is taken for, what comes of it, and that nothing is written twice."""

from __future__ import annotations

import csv
import json
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.db import connect
from ase.io import write
from hypothesis import given, settings
from hypothesis import strategies as st

from atomsieve.analysis.checking import check
from atomsieve.analysis.database import Database
from atomsieve.builders import catalog
from atomsieve.builders.placement import poses
from atomsieve.structures.adsorbate import adsorbates
from atomsieve.structures.errors import CampaignError, InputError
from atomsieve.structures.method import Method
from atomsieve.structures.site import ActiveSite
from atomsieve.workflows.cli import main
from atomsieve.workflows.folder import Folder
from atomsieve.workflows.ingest import documents
from atomsieve.workflows.ingest.mapping import Role, load
from atomsieve.workflows.ingest.mapping_file import compiled
from atomsieve.workflows.ingest.matching import match
from atomsieve.workflows.ingest.recognition import adsorbate_in, metals_of, site_of, support_of
from atomsieve.workflows.ingest.records import Run

from .test_ingest_vasp import AU, INCAR, oszicar, plain_run

Cli = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    """The command line within this process: what it imports is imported once."""

    def run(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
        monkeypatch.chdir(cwd)
        monkeypatch.setattr(sys, "argv", ["atomsieve", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        code = ended.value.code
        return subprocess.CompletedProcess([], int(code) if isinstance(code, int) else 0, captured.out, captured.err)

    return run


#: Those that stand on one metal, in a way of which their bonds and the atom that binds tell them.
NAMES = tuple(name for name, species in adsorbates().items() if species.modes[0].name in ("end-on", "chelate"))
TAGS = {"functional": "PBE", "cutoff": 500.0}
PBE = {"method": {"calculator": "vasp", "tags": TAGS}}
#: H2 and H2O in boxes, and their energies, eV; made up, as are all energies of this file.
GASES = {
    "H2": (Atoms("H2", [[5, 5, 5], [5, 5, 5.74]], cell=[11, 11, 11], pbc=True), -6.77),
    "H2O": (
        Atoms("HOH", [[5.757, 5.586, 5], [5, 5, 5], [4.243, 5.586, 5]], cell=[12, 12, 12], pbc=True),
        -14.22,
    ),
}
CLEAN = -280.0
STATES = {"OH": -290.1, "O": -285.4, "OOH": -294.6, "H": -283.2}


@cache
def fe_n4(family: str = "graphene", metal: str = "Fe") -> ActiveSite:
    return catalog.build(next(iter(catalog.recipes({"family": family, "metals": [metal]}))))


@cache
def posed(name: str, family: str = "graphene", metal: str = "Fe") -> Atoms:
    return poses(fe_n4(family, metal), name, azimuths=8)[0][1]


def shuffled(
    atoms: Atoms, seed: int, shift: tuple[float, float, float] = (0.0, 0.0, 0.0), noise: float = 0.03
) -> Atoms:
    """Return the same structure as another code would list it."""
    rng = np.random.default_rng(seed)
    changed = atoms[rng.permutation(len(atoms))]
    changed.positions += np.array(shift) + rng.normal(scale=0.03, size=changed.positions.shape)
    if changed.pbc.any():
        changed.wrap()
    return changed


# -- what structures tell ---------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=60, derandomize=True)
@given(
    name=st.sampled_from(NAMES),
    family=st.sampled_from(["graphene", "porphine"]),
    seed=st.integers(0, 2**16),
    shift=st.tuples(*[st.floats(-4, 4)] * 3),
)
def test_an_adsorbate_is_told_from_formula_and_bonds(
    name: str, family: str, seed: int, shift: tuple[float, float, float]
) -> None:
    """Whatever the order of the atoms, the origin and the image of the cell."""
    site = fe_n4(family)
    other = shuffled(posed(name, family), seed, shift)
    matched = match(site.atoms, other)
    found, order = adsorbate_in(other, matched, [matched.host[metal] for metal in site.metals], None)
    assert found == name
    assert [other.symbols[i] for i in order] == list(adsorbates()[name].symbols)
    assert sorted([*matched.host, *order]) == list(range(len(other)))
    # the host is put in the order of the site
    assert list(other.symbols[list(matched.host)]) == list(site.atoms.symbols)


def test_what_is_told_by_its_mode_alone_is_for_a_person_to_state() -> None:
    atoms = posed("N2-side")
    matched = match(fe_n4().atoms, atoms)
    assert adsorbate_in(atoms, matched, fe_n4().metals, None)[0] == "N2"
    assert adsorbate_in(atoms, matched, fe_n4().metals, "N2-side")[0] == "N2-side"


def test_two_isomers_that_fell_apart_are_not_guessed() -> None:
    atoms = posed("COH").copy()
    atoms.positions[-1] += [0, 0, 2.5]
    matched = match(fe_n4().atoms, atoms)
    with pytest.raises(InputError, match="bonded like none of CHO, COH"):
        adsorbate_in(atoms, matched, fe_n4().metals, None)
    assert adsorbate_in(atoms, matched, fe_n4().metals, "COH")[0] == "COH"
    with pytest.raises(InputError, match=r"said to hold OH\*, but what it has beyond the clean site is 1 C 1 H 1 O"):
        adsorbate_in(atoms, matched, fe_n4().metals, "OH")


def test_structures_that_are_not_of_the_site_are_refused() -> None:
    clean = fe_n4().atoms
    with pytest.raises(InputError, match="lacks 1 Fe of the clean site"):
        match(clean, posed("OH", metal="Co"))
    stretched = posed("OH").copy()
    stretched.set_cell(stretched.cell.array * 1.02, scale_atoms=True)
    with pytest.raises(InputError, match="its cell"):
        match(clean, stretched)
    with pytest.raises(InputError, match="periodic"):
        match(clean, Atoms(posed("OH").symbols, posed("OH").positions))
    other = clean.copy()
    other.positions[:, 2] += np.linspace(0, 6, len(other))
    with pytest.raises(InputError, match="it is another site"):
        match(clean, other)


def test_metals_and_support_come_from_the_clean_structure() -> None:
    site = site_of(fe_n4().atoms, "mine")
    assert site.metals == fe_n4().metals
    assert site.donors == tuple(tuple(sorted(donors)) for donors in fe_n4().donors)
    assert (site.kind, metals_of(site)) == ("sheet", ("Fe",))
    assert support_of(site) == "Fe held by N4 in C26N4 (sheet)"
    # the key is that of the geometry, not of the label
    assert site.key == site_of(fe_n4().atoms, "yours").key
    node = catalog.build(next(iter(catalog.recipes({"family": "zr6-node", "metals": ["Ni"]}))))
    assert metals_of(site_of(node.atoms, "node")) == ("Ni",)


def test_a_surface_of_a_metal_is_a_site_too() -> None:
    slab = Atoms("Au4", [[0, 0, 8], [2.9, 0, 8], [0, 2.9, 8], [2.9, 2.9, 8]], cell=[5.8, 5.8, 20], pbc=True)
    site = site_of(slab, "Au(001)")
    assert (len(site.metals), metals_of(site)) == (4, ("Au",))


@pytest.mark.parametrize(
    ("name", "move", "verdict"),
    [
        ("OOH", lambda p: p, "bound"),
        ("OH", lambda p: p + np.array([0, 0, 3.0]), "desorbed"),
        ("OOH", lambda p: np.vstack([p[:1], p[1:] + np.array([0, 0, 2.0])]), "dissociated"),
    ],
    ids=["bound", "desorbed", "dissociated"],
)
def test_the_verdict_is_that_of_computed_states(name: str, move: Callable[[Any], Any], verdict: str) -> None:
    atoms = posed(name).copy()
    number = len(adsorbates()[name].symbols)
    atoms.positions[-number:] = move(atoms.positions[-number:])
    run = Run("x", -290.0, shuffled(atoms, 1, (1.0, 2.0, 0.5)), Method("vasp", TAGS, "dft"))
    site = site_of(fe_n4().atoms, "mine")
    taken = documents.adsorbed(run, site, {}, None)
    assert taken.document["judgement"]["verdict"] == verdict
    assert taken.species == name


# -- what a person says -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("{site}/{adsorbate}", "FeN4/OH", {"site": "FeN4", "adsorbate": "OH"}),
        ("{site}/{adsorbate}/{pose}/relax", "FeN4/OH/3/relax", {"site": "FeN4", "adsorbate": "OH"}),
        ("{site}_{adsorbate}", "Fe_N4_OOH", {"site": "Fe", "adsorbate": "N4_OOH"}),
        ("**/{site}/{adsorbate}*", "a/b/FeN4/O_2", {"site": "FeN4", "adsorbate": "O"}),
        ("gases/{gas}", "gases/H2O", {"gas": "H2O"}),
        ("{site}/{adsorbate}", "FeN4/OH/1", None),
        ("{site}.x/clean", "FeN4+x/clean", None),
    ],
)
def test_patterns(pattern: str, path: str, expected: dict[str, str] | None) -> None:
    found = compiled(pattern).fullmatch(path)
    if expected is None:
        assert found is None
    else:
        assert found is not None
        if pattern.startswith("**"):
            assert found["site"] == expected["site"]
        else:
            assert found.groupdict() == expected


def mapping_of(tmp_path: Path, content: Mapping[str, Any]) -> Path:
    path = tmp_path / "mapping.yaml"
    path.write_text(yaml.safe_dump(dict(content)), encoding="utf-8")
    return path


def test_what_is_said_of_a_run(tmp_path: Path) -> None:
    content = {
        "patterns": ["{site}/{adsorbate}"],
        "runs": {"odd/*": {"site": "Fe-N4", "adsorbate": "hydroxyl"}, "ref/w": {"gas": "water"}},
        "names": {"hydroxyl": "OH", "water": "H2O", "naked": "clean"},
    }
    mapped = load(mapping_of(tmp_path, content))
    assert mapped.role("FeN4/ooh*", {}) == Role("FeN4", "OOH")
    assert mapped.role("FeN4/naked", {}) == mapped.role("FeN4/bare", {}) == Role("FeN4", "clean")
    assert mapped.role("gas/H2O", {}) == mapped.role("ref/w", {}) == Role(None, "gas", "H2O")
    assert mapped.role("odd/7", {}) == Role("Fe-N4", "OH")
    assert mapped.role("FeN4/run1", {}) == Role("FeN4", None, None, "'run1' is no adsorbate")
    assert mapped.role("frames.xyz", {"site": "A", "adsorbate": "O"}) == Role("A", "O")
    with pytest.raises(InputError, match="fits none of the patterns"):
        mapped.role("FeN4/OH/1", {})


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"pattern": "x"}, "unknown key 'pattern' (did you mean 'patterns'?)"),
        ({"runs": {"a": {"side": "x"}}}, "'side' is no key here"),
        ({"method": {"calculator": "vasp"}}, "name no functional"),
        ({"method": {"calculator": "dmol3", "settings": {"x": 1}}}, "unknown calculator for settings 'dmol3'"),
        ({"conditions": {"temperature": 350.0}}, "hold at 298.15 K only"),
        ({"methods": {"a": {"calculator": "gfn1-xtb", "settings": {"temperature": 3}}}}, "unknown setting of gfn1-xtb"),
        ({"reactions": ["ORRR"]}, "did you mean 'ORR'?"),
        ({"names": {"x": "OHH"}}, "unknown species 'OHH'"),
        ({"patterns": ["{site}/{site}"]}, "names {site} twice"),
        ({"sites": {"A": {"metals": ["Feo"]}}}, "unknown metal 'Feo'"),
        ({"patterns": ["{site/x"]}, "brace that does not close"),
        ({"thermochemistry": {"corrections": "nørskov"}}, "did you mean 'norskov'?"),
    ],
)
def test_a_mapping_that_is_wrong_says_where(tmp_path: Path, content: dict[str, Any], words: str) -> None:
    with pytest.raises(CampaignError) as caught:
        load(mapping_of(tmp_path, content))
    assert words in str(caught.value)


# -- from files to results --------------------------------------------------------------------------------------------


def ingested(cli: Cli, folder: Path, *arguments: str | Path, code: int = 0) -> dict[str, Any]:
    result = cli("ingest", "mine", *arguments, "--json", cwd=folder)
    assert result.returncode == code, result.stdout + result.stderr
    report: dict[str, Any] = json.loads(result.stdout)
    return report


def by_source(report: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {Path(entry["source"]).as_posix(): entry for entry in report["found"]}


def results(cli: Cli, folder: Path, name: str = "mine") -> list[dict[str, Any]]:
    result = cli("results", name, "--json", cwd=folder)
    assert result.returncode == 0, result.stderr
    rows: list[dict[str, Any]] = json.loads(result.stdout)
    return rows


def documents_of(folder: Path) -> dict[str, dict[str, Any]]:
    """Return every document of every collection of the database, by collection and key."""
    with Database.embedded(Folder(folder / "atomsieve-data").database) as database:
        stores = {
            name: getattr(database, name)
            for name in ("calculations", "sites", "adsorption_energies", "reaction_results", "campaigns")
        }
        return {name: {entry["key"]: entry for entry in store.query()} for name, store in stores.items()}


def free(name: str, state: float, clean: float = CLEAN) -> float:
    """ΔG by hand, with the tabulated ΔG - ΔE of the Nørskov group."""
    h2, h2o = GASES["H2"][1], GASES["H2O"][1]
    references = {"O": h2o - h2, "OH": h2o - h2 / 2, "OOH": 2 * h2o - 1.5 * h2, "H": h2 / 2}
    corrections = {"O": 0.05, "OH": 0.35, "OOH": 0.40, "H": 0.24}
    return state - clean - references[name] + corrections[name]


def vasp_tree(folder: Path) -> Path:
    """Write what a student leaves behind: a site, its states, and the gases."""
    plain_run(folder / "FeN4" / "clean", fe_n4().atoms, oszicar(CLEAN, magnetisation=2.0))
    for name, energy in STATES.items():
        plain_run(folder / "FeN4" / name, shuffled(posed(name), 3, (0, 0, 1)), oszicar(energy), packed=name == "O")
    for name, (atoms, energy) in GASES.items():
        plain_run(folder / "gas" / name, atoms, oszicar(energy))
    return folder


@pytest.mark.parametrize("arguments", [(), ("--pattern", "{site}/{adsorbate}")], ids=["by structure", "by pattern"])
def test_a_tree_of_vasp_runs(tmp_path: Path, cli: Cli, arguments: tuple[str, ...]) -> None:
    vasp_tree(tmp_path / "runs")
    report = ingested(cli, tmp_path, "runs", *arguments)
    taken = {source: entry["taken_for"] for source, entry in by_source(report).items()}
    assert taken == {
        "runs/FeN4/clean": "FeN4, clean",
        **{f"runs/FeN4/{name}": f"{name}* on FeN4" for name in STATES},
        **{f"runs/gas/{name}": f"{name} (gas)" for name in GASES},
    }
    assert {entry["state"] for entry in report["found"]} == {"in"}
    rows = results(cli, tmp_path)
    assert {row["reaction"] for row in rows} == {"ORR", "OER", "HER", "ORR-2e", "HOR"}
    for row in rows:
        assert (row["site"], row["metals"], row["calculator"], row["predictive"]) == ("FeN4", ["Fe"], "vasp", True)
        for name, energy in STATES.items():
            assert row[f"free_{name}"] == pytest.approx(free(name, energy), abs=1e-9)
    her = next(row for row in rows if row["reaction"] == "HER")
    assert her["limiting_potential"] == pytest.approx(-abs(free("H", STATES["H"])), abs=1e-9)
    assert her["spin"] == 3

    for command in ("status", "report")[: 2 if arguments else 1]:
        assert cli(command, "mine", cwd=tmp_path).returncode == 0


def test_to_ingest_again_adds_nothing(tmp_path: Path, cli: Cli) -> None:
    vasp_tree(tmp_path / "runs")
    first = ingested(cli, tmp_path, "runs")
    before = documents_of(tmp_path)
    assert {name: len(group) for name, group in before.items()} == {
        "calculations": 7,
        "sites": 1,
        "adsorption_energies": 4,
        "reaction_results": 5,
        "campaigns": 1,
    }
    again = ingested(cli, tmp_path, "runs")
    after = documents_of(tmp_path)
    assert (first["new"], again["new"]) == (7, 0)
    assert {entry["state"] for entry in again["found"]} == {"there already"}
    for name in ("calculations", "sites", "adsorption_energies", "reaction_results"):
        assert before[name] == after[name]
    with Database.embedded(Folder(tmp_path / "atomsieve-data").database, read_only=True) as database:
        assert [found.amiss for found in check(database)] == [[]] * 8
    assert before["campaigns"].keys() == after["campaigns"].keys()


def test_copies_and_other_names_add_no_calculation(tmp_path: Path, cli: Cli) -> None:
    runs = vasp_tree(tmp_path / "runs")
    shutil.copytree(runs / "FeN4" / "OH", runs / "FeN4" / "OH-copy")
    report = ingested(cli, tmp_path, "runs")
    assert by_source(report)["runs/FeN4/OH-copy"]["reason"] == "the same as runs/FeN4/OH"
    assert report["new"] == 7
    # a lower clean run is another parent, and leaves what was stored as it is
    plain_run(runs / "FeN4" / "clean-2", shuffled(fe_n4().atoms, 7), oszicar(CLEAN - 0.5))
    assert ingested(cli, tmp_path, "runs")["new"] == 1
    assert results(cli, tmp_path)[0]["free_OH"] == pytest.approx(free("OH", STATES["OH"], CLEAN - 0.5))
    other = cli("ingest", "yours", "runs", "--json", cwd=tmp_path)
    assert json.loads(other.stdout)["new"] == 0
    assert len(documents_of(tmp_path)["calculations"]) == 8


def test_no_text_of_a_potential_is_kept(tmp_path: Path, cli: Cli) -> None:
    vasp_tree(tmp_path / "runs")
    ingested(cli, tmp_path, "runs")
    stored = (tmp_path / "atomsieve-data" / "atomsieve.sqlite").read_bytes()
    assert b"PAW_PBE Fe 01Jan2000" in stored
    assert b"0.1234567" not in stored


def test_to_look_writes_nothing(tmp_path: Path, cli: Cli) -> None:
    vasp_tree(tmp_path / "runs")
    report = ingested(cli, tmp_path, "runs", "--dry-run")
    assert (report["new"], report["dry_run"]) == (7, True)
    assert report["sites"][0]["rows"]["OH"] == pytest.approx(free("OH", STATES["OH"]))
    assert not (tmp_path / "atomsieve-data").exists()


def test_broken_directories_are_listed_and_the_rest_goes_in(tmp_path: Path, cli: Cli) -> None:
    runs = vasp_tree(tmp_path / "runs")
    (runs / "FeN4" / "O2").mkdir()
    (runs / "notes").mkdir()
    (runs / "notes" / "todo.txt").write_text("x")
    (runs / "FeN4" / "OH" / "OSZICAR").write_text("")
    (runs / "FeN4" / "H" / "OSZICAR").write_text(oszicar(STATES["H"], steps=60))
    plain_run(runs / "CoN4" / "OH", posed("OH", metal="Co"), oszicar(-288.0))
    plain_run(runs / "gas" / "O2", Atoms("O2", [[5, 5, 5], [5, 5, 6.2]], cell=[11, 11, 11], pbc=True), oszicar(-9.8))
    report = ingested(cli, tmp_path, "runs", "--pattern", "{site}/{adsorbate}", "--pattern", "notes")
    found = by_source(report)
    assert found["runs/FeN4/O2"]["reason"] == "empty"
    assert found["runs/notes"]["reason"].startswith("no run: there is no vasprun.xml, OUTCAR or OSZICAR, only todo.txt")
    assert found["runs/FeN4/OH"]["reason"] == "OSZICAR is empty"
    assert found["runs/FeN4/H"]["state"] == "not converged"
    assert "E(*) is missing" in found["runs/CoN4/OH"]["reason"]
    assert "O2 is not needed: its free energy is experimental" in found["runs/gas/O2"]["reason"]
    assert sum(entry["state"] == "in" for entry in report["found"]) == 5

    rows = results(cli, tmp_path)
    assert {row["site"] for row in rows} == {"FeN4"}
    assert rows[0]["free_O"] == pytest.approx(free("O", STATES["O"]))
    assert rows[0].get("free_OH") is None
    # what has not converged is shown, and never used
    assert all(row["free_H"] is None for row in rows)
    assert "did not reach EDIFF" in rows[0]["verdicts"]["H"]["reason"]


def test_nothing_that_can_be_used(tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "runs" / "a").mkdir(parents=True)
    assert ingested(cli, tmp_path, "runs", code=1)["found"][0]["reason"] == "empty"
    missing = cli("ingest", "mine", "nowhere", cwd=tmp_path)
    assert missing.returncode == 2
    assert "there is no nowhere" in missing.stderr


def test_mixed_methods_are_refused_for_those_they_touch(tmp_path: Path, cli: Cli) -> None:
    """As in one published set: adsorbates with D3 and without U, the bare site the other way round."""
    runs = vasp_tree(tmp_path / "runs")
    for path in runs.rglob("INCAR"):
        path.write_text(INCAR.replace("IVDW = 12", "IVDW = 11"))
    # the same by another name, and settings of the machine, do not count
    (runs / "FeN4" / "O" / "INCAR.gz").unlink()
    (runs / "FeN4" / "O" / "INCAR").write_text(INCAR.replace("IVDW = 12", "IVDW = 11") + "NCORE = 8\nALGO = Fast\n")
    (runs / "FeN4" / "OH" / "INCAR").write_text(INCAR.replace("IVDW = 12\n", ""))
    report = ingested(cli, tmp_path, "runs")
    found = by_source(report)
    reason = found["runs/FeN4/OH"]["reason"]
    assert "runs/FeN4/OH" in reason
    assert "runs/FeN4/clean" in reason
    assert "differ in dispersion ('D3(zero)' and 'none')" in reason or "differ in dispersion ('none' and" in reason
    assert {source for source, entry in found.items() if entry["state"] != "in"} == {"runs/FeN4/OH"}
    row = results(cli, tmp_path)[0]
    assert row.get("free_OH") is None
    assert row["free_OOH"] == pytest.approx(free("OOH", STATES["OOH"]))


def test_a_gas_of_another_method_leaves_no_free_energy(tmp_path: Path, cli: Cli) -> None:
    runs = vasp_tree(tmp_path / "runs")
    (runs / "gas" / "H2O" / "INCAR").write_text(INCAR.replace("ENCUT = 500", "ENCUT = 400"))
    (site,) = ingested(cli, tmp_path, "runs")["sites"]
    assert set(site["rows"]) == {"H"}
    assert "differ in cutoff (400 and 500)" in site["without"]["OH"] or "cutoff (500 and 400)" in site["without"]["OH"]
    assert "runs/gas/H2O" in site["without"]["OH"]


def test_a_solvent_is_not_counted_twice(tmp_path: Path, cli: Cli) -> None:
    runs = vasp_tree(tmp_path / "runs")
    (runs / "FeN4" / "O" / "INCAR.gz").unlink()
    for path in [*runs.rglob("INCAR"), runs / "FeN4" / "O" / "INCAR"]:
        path.write_text(INCAR + "LSOL = .TRUE.\n")
    content = {"thermochemistry": {"solvation": "table"}}
    (site,) = ingested(cli, tmp_path, "runs", "--mapping", mapping_of(tmp_path, content))["sites"]
    assert site["rows"] == {}
    assert "in VASPsol water eps=78.4 already" in site["without"]["OH"]


def test_two_methods_of_one_site_stand_side_by_side(tmp_path: Path, cli: Cli) -> None:
    runs = vasp_tree(tmp_path / "pbe")
    vasp_tree(tmp_path / "rpbe")
    for path in (tmp_path / "rpbe").rglob("INCAR"):
        path.write_text(INCAR.replace("GGA = PE", "GGA = RP"))
    (tmp_path / "rpbe" / "FeN4" / "O" / "INCAR.gz").unlink()
    (tmp_path / "rpbe" / "FeN4" / "O" / "INCAR").write_text(INCAR.replace("GGA = PE", "GGA = RP"))
    report = ingested(cli, tmp_path, runs, tmp_path / "rpbe", "--pattern", "{site}/{adsorbate}")
    assert [site["label"] for site in report["sites"]] == ["FeN4", "FeN4"]
    assert len({site["method"] for site in report["sites"]}) == 2
    assert all(set(site["rows"]) == set(STATES) for site in report["sites"])


def with_energy(atoms: Atoms, energy: float, strongest: float | None = 0.01, **info: Any) -> Atoms:
    atoms = atoms.copy()
    forces = None if strongest is None else np.full((len(atoms), 3), strongest / np.sqrt(3))
    atoms.calc = SinglePointCalculator(atoms, energy=energy, **({} if forces is None else {"forces": forces}))
    atoms.info.update(info)
    return atoms


@pytest.mark.parametrize("suffix", ["xyz", "xyz.gz", "db"])
def test_frames_with_energies(tmp_path: Path, cli: Cli, suffix: str) -> None:
    path = tmp_path / f"all.{suffix}"
    frames = [with_energy(fe_n4().atoms, CLEAN)]
    frames += [with_energy(shuffled(posed(name), 5), energy) for name, energy in STATES.items()]
    frames += [with_energy(atoms, energy) for atoms, energy in GASES.values()]
    frames.append(with_energy(posed("OH"), -299.0, strongest=1.3))
    if suffix == "db":
        with connect(path) as database:
            for frame in frames:
                database.write(frame)
            database.write(fe_n4().atoms)
    else:
        write(path, [*frames, fe_n4().atoms], format="extxyz")
    silent = ingested(cli, tmp_path, path, code=1)
    assert all("nothing states its method" in entry["reason"] for entry in silent["found"][:-1])

    report = ingested(cli, tmp_path, path, "--mapping", mapping_of(tmp_path, PBE))
    first = 1 if suffix == "db" else 0
    found = {entry["source"].rpartition("@")[2]: entry for entry in report["found"]}
    assert found[str(first)]["taken_for"].endswith(", clean")
    assert found[str(first + 7)]["state"] == "not converged"
    assert "largest force 1.300" in found[str(first + 7)]["reason"]
    assert found[str(first + 8)]["reason"] == "it has no energy"
    (row, *_) = results(cli, tmp_path)
    for name, energy in STATES.items():
        assert row[f"free_{name}"] == pytest.approx(free(name, energy), abs=1e-9)
    assert ingested(cli, tmp_path, path, "--mapping", tmp_path / "mapping.yaml")["new"] == 0


def test_a_database_is_read_and_left_as_it_is(tmp_path: Path, cli: Cli) -> None:
    path = tmp_path / "all.db"
    with connect(path) as database:
        database.write(with_energy(*GASES["H2"]))
    content = path.read_bytes()
    ingested(cli, tmp_path, path, "--mapping", mapping_of(tmp_path, PBE))
    assert path.read_bytes() == content

    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE mine (x)")
        connection.commit()
    content = other.read_bytes()
    report = ingested(cli, tmp_path, other, "--mapping", tmp_path / "mapping.yaml", code=1)
    assert "it is no ASE database" in report["found"][0]["reason"]
    assert other.read_bytes() == content


def test_frames_say_themselves_what_they_are(tmp_path: Path, cli: Cli) -> None:
    frames = [
        with_energy(fe_n4().atoms, CLEAN, site="A", adsorbate="clean"),
        with_energy(posed("OH"), STATES["OH"], site="A", adsorbate="OH"),
        with_energy(posed("O"), STATES["O"], site="A", adsorbate="OH"),
        with_energy(posed("H"), STATES["H"], site="B", adsorbate="H"),
        with_energy(posed("OOH"), STATES["OOH"], None, site="A", adsorbate="OOH", converged=False),
    ]
    write(tmp_path / "all.extxyz", frames, format="extxyz")
    report = ingested(cli, tmp_path, "all.extxyz", "--mapping", mapping_of(tmp_path, PBE))
    reasons = {entry["source"][-1]: (entry["state"], entry["reason"]) for entry in report["found"]}
    assert reasons["1"][0] == "in"
    assert "said to hold OH*, but what it has beyond the clean site is 1 O" in reasons["2"][1]
    assert "E(*) is missing" in reasons["3"][1]
    assert reasons["4"] == ("not converged", "it says itself that it has not converged")
    (site,) = report["sites"]
    # the gases are missing, so that there is a row, and it says why it is empty
    assert site["rows"] == {"OH": None, "OOH": None}
    assert "H2O: not calculated" in results(cli, tmp_path)[0]["verdicts"]["OH"]["reason"]


def test_a_file_that_is_cut_short_gives_its_whole_frames(tmp_path: Path, cli: Cli) -> None:
    path = tmp_path / "all.xyz"
    write(path, [with_energy(atoms, energy) for atoms, energy in GASES.values()], format="extxyz")
    path.write_text(path.read_text()[:-40])
    report = ingested(cli, tmp_path, path, "--mapping", mapping_of(tmp_path, PBE))
    assert [entry["state"] for entry in report["found"]] == ["refused", "in"]
    assert "cannot be read" in report["found"][0]["reason"]


#: eV beside a clean site at -100 eV: the removal of OH* is the hardest step of ORR by far.
STATES_OF_TABLE = {"OH": -110.85 - 0.35, "O": -105.5, "OOH": -115.4}


def test_stated_uncertainties_become_the_error_bar(tmp_path: Path, cli: Cli) -> None:
    rows = ["site,adsorbate,gas,energy,uncertainty", ",,H2,-6.77,", ",,H2O,-14.22,", "A,,,-100.0,"]
    rows += [f"A,{name},,{energy},{0.01 if name == 'OH' else ''}" for name, energy in STATES_OF_TABLE.items()]
    (tmp_path / "t.csv").write_text("\n".join(rows) + "\n")
    content = {**PBE, "uncertainty": 0.02, "reactions": ["ORR"], "sites": {"A": {"metals": ["Fe"]}}}
    ingested(cli, tmp_path, "t.csv", "--mapping", mapping_of(tmp_path, content))
    (row,) = results(cli, tmp_path)
    assert row["limiting_potential"] == pytest.approx(row["free_OH"])
    assert row["error_bar"] == pytest.approx(0.01)
    # a table that says nothing leaves it at 0.2 V
    (tmp_path / "t.csv").write_text("\n".join(row.rpartition(",")[0] for row in rows) + "\n")
    del content["uncertainty"]
    ingested(cli, tmp_path, "t.csv", "--mapping", mapping_of(tmp_path, content))
    assert results(cli, tmp_path)[0]["error_bar"] == 0.2


def test_two_methods_show_their_spread(tmp_path: Path, cli: Cli) -> None:
    rows = ["site,adsorbate,gas,energy,method"]
    for method, shifts in (("pbe", (0.0, 0.1, 0.3)), ("rpbe", (0.3, 0.2, 0.6))):
        rows += [f",,H2,-6.77,{method}", f",,H2O,-14.22,{method}"]
        for site, shift in zip("ABC", shifts, strict=True):
            rows += [f"{site},,,-100.0,{method}"]
            rows += [f"{site},{name},,{energy + shift},{method}" for name, energy in STATES_OF_TABLE.items()]
    (tmp_path / "t.csv").write_text("\n".join(rows) + "\n")
    methods = {name: {"calculator": "vasp", "tags": {**TAGS, "functional": name.upper()}} for name in ("pbe", "rpbe")}
    content = {"methods": methods, "reactions": ["ORR"], "sites": {site: {"metals": ["Fe"]} for site in "ABC"}}
    ingested(cli, tmp_path, "t.csv", "--mapping", mapping_of(tmp_path, content))
    found = results(cli, tmp_path)
    limits: dict[str, list[float]] = {}
    for row in found:
        limits.setdefault(row["site"], []).append(row["limiting_potential"])
    assert {len(values) for values in limits.values()} == {2}
    for row in found:
        assert row["spread"] == pytest.approx(max(limits[row["site"]]) - min(limits[row["site"]]))
        # three sites by each method, never six in one ranking
        assert row["rank"] <= row["rank_worst"] <= 3
    # U_L rises with ΔG(OH*): A < B < C by one, B < A < C by the other, ρ = 1 - 6 (1 + 1) / (3 x 8)
    text = " ".join(cli("results", "mine", cwd=tmp_path).stdout.split())
    assert "order 3 sites with ρ = 0.50 (Spearman), τ = 0.33 (Kendall)" in text


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("A,OH,,-110,much", "'much' is no uncertainty"),
        ("A,OH,,-110,-0.1", "'-0.1' is no uncertainty"),
        ("A,,,-100,0.1", "beside the adsorbate"),
        (",,H2,-6.77,0.1", "beside the adsorbate"),
    ],
)
def test_uncertainties_that_mean_nothing(line: str, message: str, tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "t.csv").write_text(f"site,adsorbate,gas,energy,uncertainty\n{line}\n")
    report = ingested(cli, tmp_path, "t.csv", "--mapping", mapping_of(tmp_path, PBE), code=1)
    assert message in report["found"][0]["reason"]


def test_rows_of_a_table_that_are_wrong(tmp_path: Path, cli: Cli) -> None:
    rows = ["site,adsorbate,gas,energy,method,metals"]
    rows += ["A,,,-100.0,,Fe", "A,OH,,-110.5,,Fe", "A,Oh!,,-110.5,,Fe", "A,O,,minus five,,Fe", "A,O,,nan,,"]
    rows += [",,H2,-6.77,,", ",,H2O,-14.22,,", ",,CO,-14.8,,", "A,,H2,-6.77,,", ",,,-1,,", "A,OOH,,-115,rpbe,Fe"]
    rows += ["A,OOH,,-115,other,Fe", "A,O,,-105,4,,,", "B,,,-90,,Xx"]
    (tmp_path / "t.csv").write_text("\n".join(rows) + "\n")
    methods = {"rpbe": {"calculator": "vasp", "tags": {**TAGS, "functional": "RPBE"}}}
    report = ingested(cli, tmp_path, "t.csv", "--mapping", mapping_of(tmp_path, {**PBE, "methods": methods}))
    found = {int(entry["source"].rpartition(":")[2]): (entry["state"], entry["reason"]) for entry in report["found"]}
    assert [line for line, (state, _) in sorted(found.items()) if state == "in"] == [2, 3, 7, 8]
    words = {
        4: "'Oh!' is no adsorbate",
        5: "'minus five' is no energy",
        6: "its energy is nan",
        9: "unknown gas that energies refer to 'CO'",
        10: "names a site and a gas",
        11: "names no site or gas",
        12: "differ in functional",
        13: "unknown method 'other'",
        14: "more cells than the head",
        15: "unknown metal 'Xx'",
    }
    for line, text in words.items():
        assert text in found[line][1], (line, found[line])
    (row, *_) = results(cli, tmp_path)
    assert row["metals"] == ["Fe"]
    assert row["free_OH"] == pytest.approx(free("OH", -110.5, clean=-100.0))
    calculations = documents_of(tmp_path)["calculations"].values()
    assert all("as stated by whoever gave" in entry["judgement"]["reason"] for entry in calculations)


def test_one_path_of_a_network_is_enough(tmp_path: Path, cli: Cli) -> None:
    """Formate without COOH tells of formic acid; half a path of another reaction, or of another site, tells nothing."""
    (tmp_path / "energies.csv").write_text(
        "site,adsorbate,gas,energy,metals\n"
        "A,,,-100.0,Fe\nA,OCHO,,-126.4,Fe\nA,H,,-103.2,Fe\nB,,,-101.0,Co\nB,H,,-104.3,Co\nB,CO,,-115.9,Co\n"
        ",,H2,-6.77,\n,,H2O,-14.22,\n,,CO2,-22.96,\n"
    )
    content = {
        "method": {"calculator": "vasp", "tags": {"functional": "PBE"}},
        "thermochemistry": {"corrections": "none"},
    }
    ingested(cli, tmp_path, "energies.csv", "--mapping", mapping_of(tmp_path, content))
    found = {(row["site"], row["reaction"]): row for row in results(cli, tmp_path)}
    assert found.keys() == {("A", "HER"), ("A", "HOR"), ("A", "CO2RR-HCOOH"), ("B", "HER"), ("B", "HOR")}
    formic = found["A", "CO2RR-HCOOH"]
    assert (formic["path"], formic["undetermined_paths"]) == ("OCHO", 1)
    # E(OCHO*) - E(*) - E(CO2) - 1/2 E(H2), and from there to HCOOH(aq), -2 x -0.1144 eV
    first = -126.4 + 100.0 + 22.96 + 6.77 / 2
    assert formic["limiting_potential"] == pytest.approx(-max(first, 2 * 0.1144 - first), abs=1e-3)


SMALL = """\
name: computed
sites: [{family: graphene, metals: [Fe, Co]}]
reactions: [ORR, OER, HER]
method: {calculator: mock}
poses: {most: 1}
"""


@pytest.mark.slow
def test_a_table_gives_the_same_rows_as_the_calculations_that_it_lists(tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "computed.yaml").write_text(SMALL)
    assert cli("run", "computed.yaml", "--workers", "1", cwd=tmp_path).returncode == 0
    before = documents_of(tmp_path)
    energies = {key: entry.get("energy") for key, entry in before["calculations"].items()}
    lines: dict[tuple[str, ...], None] = {}
    for row in before["adsorption_energies"].values():
        label, spins = row["site"]["label"], row["multiplicity"]
        for role, key in row["calculations"].items():
            energy = repr(energies[key])
            if role in ("clean", "adsorbed"):
                name = row["adsorbate"] if role == "adsorbed" else "clean"
                lines[label, name, "", energy, str(spins[role]), row["site"]["metals"][0]] = None
            else:
                lines["", "", role, energy, "", ""] = None
    with (tmp_path / "energies.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["site", "adsorbate", "gas", "energy", "multiplicity", "metals"])
        writer.writerows(lines)
    content = {"method": {"calculator": "mock"}, "reactions": ["ORR", "OER", "HER"]}
    report = ingested(cli, tmp_path, "energies.csv", "--mapping", mapping_of(tmp_path, content))
    assert {entry["state"] for entry in report["found"]} == {"in"}

    computed, taken = results(cli, tmp_path, "computed"), results(cli, tmp_path)
    assert len(taken) == len(computed) == 6
    for ours, theirs in zip(computed, taken, strict=True):
        # of the states that were tried the table lists the lowest alone
        assert theirs["single_start"]
        for column in ours.keys() - {"family", "verdicts", "single_start"}:
            if isinstance(ours[column], float):
                assert theirs[column] == pytest.approx(ours[column], abs=1e-12), column
            else:
                assert theirs[column] == ours[column], column
    # the terms, one by one
    after = documents_of(tmp_path)["adsorption_energies"].values()
    told = {
        (row["site"]["family"], row["site"]["label"], row["adsorbate"]): [
            (term["name"], term["kind"], round(term["value"], 10)) for term in row["terms"]
        ]
        for row in after
    }
    for (family, label, name), terms in told.items():
        if family == "ingested":
            assert terms == told["graphene", label, name]
    # names are not shared with campaigns
    refused = cli("ingest", "computed", "energies.csv", cwd=tmp_path)
    assert (refused.returncode, "is a campaign that was run here" in refused.stderr) == (2, True)
    (tmp_path / "mine.yaml").write_text(SMALL.replace("computed", "mine"))
    refused = cli("run", "mine.yaml", cwd=tmp_path)
    assert (refused.returncode, "holds what was ingested" in refused.stderr) == (2, True)


def test_oxygen_on_gold_from_real_runs(tmp_path: Path, cli: Cli) -> None:
    """Three sites of O on Au(001) by VASP; the lowest counts, and every one is bound."""
    physics = {"functional": "RPBE", "cutoff": 700.0, "spin_polarised": True, "relativity": "scalar"}
    content = {
        "patterns": ["{run}/outputs"],
        "runs": {"*/inputs": "skip", "slab_relax/*": "skip"},
        "method": {"calculator": "vasp", "tags": {**physics, "aspherical": True}},
    }
    table = "gas,energy\nH2,-6.98\nH2O,-14.15\n"
    (tmp_path / "gases.csv").write_text(table)
    report = ingested(cli, tmp_path, AU, "gases.csv", "--mapping", mapping_of(tmp_path, content))
    entries = {Path(entry["source"]).parent.name: entry for entry in report["found"]}
    states = {name: entries[name] for name in entries if name.startswith("ads_static")}
    assert {entry["taken_for"] for entry in states.values()} == {"O* on slab_static/outputs"}
    assert all(entry["reason"].startswith("bound: Au-O") for entry in states.values())
    molecule = entries["mol_static"]
    assert molecule["reason"] == "O is no gas that energies refer to"
    slab = entries["slab_static"]
    differences = sorted(entry["energy"] - slab["energy"] - molecule["energy"] for entry in states.values())
    assert differences == pytest.approx([-3.06660215, -2.94074609, -2.09767314], abs=1e-8)

    (row,) = results(cli, tmp_path)
    by_hand = -40.63153896 + 35.98701212 - (-14.15 + 6.98) + 0.05
    assert row["free_O"] == pytest.approx(by_hand, abs=1e-8)


def test_the_table_for_people(tmp_path: Path, cli: Cli) -> None:
    vasp_tree(tmp_path / "runs")
    (tmp_path / "runs" / "FeN4" / "CO").mkdir()
    text = cli("ingest", "mine", "runs", cwd=tmp_path).stdout
    assert "OOH* on FeN4" in text
    assert "8 found: 7 in, 0 there already, 1 not used; 4 adsorption energies at 1 sites" in text
    assert "see: atomsieve results mine" in text
    assert "FeN4: Fe held by N4 in C26N4 (sheet): " in text


def test_the_page_shows_commands_and_a_mapping_that_work(tmp_path: Path, cli: Cli) -> None:
    page = (Path(__file__).parent.parent / "docs" / "ingest.md").read_text(encoding="utf-8")
    (mapping,) = re.findall(r"^```yml\n(.*?)^```", page, flags=re.MULTILINE | re.DOTALL)
    (tmp_path / "mapping.yaml").write_text(mapping)
    mapped = load(tmp_path / "mapping.yaml")
    assert mapped.role("Fe/try7", {}) == Role("Fe-N4", "OH")
    assert mapped.method("pbe-u").physics["u"] == {"Fe": 3.3}
    vasp_tree(tmp_path / "runs")
    (tmp_path / "energies.csv").write_text(
        "site,adsorbate,gas,energy\nA,,,-100\nA,OH,,-110.5\n,,H2,-6.77\n,,H2O,-14.22\n"
    )
    commands = re.findall(r"^\$ atomsieve ([^#\n]*)", page, flags=re.MULTILINE)
    assert len(commands) == 5
    for command in commands:
        result = cli(*shlex.split(command), cwd=tmp_path)
        assert result.returncode == 0, result.stdout + result.stderr
