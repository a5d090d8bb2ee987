"""Exports are read back by the programs they are for, say their units, mix no methods and are whole or not there."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ase.db
import ase.io
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pymongo
import pytest
from ase import Atoms
from optimade.adapters import Structure as OptimadeStructure
from optimade.models import StructureResponseMany
from pylatexenc.latexwalker import LatexEnvironmentNode, LatexWalker
from pymatgen.core import Structure

from atomsieve.analysis import Results
from atomsieve.analysis.database import Database
from atomsieve.analysis.documents.sites import method_document
from atomsieve.analysis.export import FORMATS, Written, export
from atomsieve.analysis.export.latex import latex, words
from atomsieve.analysis.export.states import boxed
from atomsieve.analysis.labels import label
from atomsieve.analysis.whole import whole_file, whole_folder
from atomsieve.structures.errors import InputError, MethodMismatchError
from atomsieve.structures.method import Method
from atomsieve.workflows.cli import main

Cli = Callable[..., subprocess.CompletedProcess[str]]

CAMPAIGN = """\
name: small
tags: [paper]
sites:
  - {family: graphene, metals: [Fe, Co], supercell: 3x3}
reactions: [ORR, HER]
method: {calculator: mock}
poses: {most: 1}
spin: {clean: 2, adsorbed: 1}
stability: {demetallation: false, aggregation: false}
"""
DEARER = Method("vasp", {"functional": "RPBE"}, "dft")
ROWS = ("reaction_results", "adsorption_energies", "stabilities")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, cli: Cli) -> Path:
    """A folder in which a small campaign was run with the mock."""
    folder = tmp_path_factory.mktemp("small")
    (folder / "small.yaml").write_text(CAMPAIGN, encoding="utf-8")
    result = cli("run", "small.yaml", "--workers", "1", cwd=folder)
    assert result.returncode == 0, result.stderr
    return folder


@pytest.fixture(scope="module", params=["embedded", pytest.param("server", marks=pytest.mark.mongo)])
def where(request: pytest.FixtureRequest, folder: Path) -> Iterator[tuple[str | Path, str | None]]:
    """Where the results lie: in the campaign's file, or on a server."""
    file = folder / "atomsieve-data" / "atomsieve.sqlite"
    if request.param == "embedded":
        yield file, None
        return
    uri, name = request.getfixturevalue("mongo")
    name = f"{name}_export"
    with Database.embedded(file) as source, Database.mongodb(uri, name) as target:
        for collection in ("calculations", "sites", "methods", *ROWS):
            documents = list(getattr(source, collection).query({}))
            getattr(target, collection).update([{k: v for k, v in d.items() if k != "_id"} for d in documents], "key")
    yield uri, name
    with pymongo.MongoClient(uri) as client:
        client.drop_database(name)


@pytest.fixture
def results(where: tuple[str | Path, str | None]) -> Iterator[Results]:
    with Results.open(where[0], database=where[1]) as results:
        yield results


@pytest.fixture
def mixed(folder: Path, tmp_path: Path) -> Iterator[Results]:
    """The same with rows of a dearer method beside them."""
    copy = tmp_path / "mixed.sqlite"
    copy.write_bytes((folder / "atomsieve-data" / "atomsieve.sqlite").read_bytes())
    with Database.embedded(copy) as database:
        for document in list(database.reaction_results.query({})):
            del document["_id"]
            dearer = {"key": document["key"][::-1], "method": DEARER.to_dict(), "predictive": True}
            database.reaction_results.update([{**document, **dearer}], "key")
        database.methods.update([method_document(DEARER.to_dict())], "key")
    with Results.open(copy) as results:
        yield results


def test_pandas_reads_csv_and_json_lines_with_units_in_the_names(results: Results, tmp_path: Path) -> None:
    assert export(results, "csv", tmp_path / "a.csv") == Written(4, "rows")
    assert export(results, "jsonl", tmp_path / "a.jsonl") == Written(4, "rows")
    table = pd.read_csv(tmp_path / "a.csv")
    lines = pd.read_json(tmp_path / "a.jsonl", lines=True, precise_float=True)
    assert list(table) == list(lines)
    documents = {document["key"]: document for document in results.documents()}
    assert len(documents) == 4
    for frame in (table, lines):
        for _, row in frame.iterrows():
            document = documents[row["key"]]
            assert row["overpotential (V)"] == pytest.approx(document["overpotential"], rel=1e-15)
            assert row["limiting_potential (V vs RHE)"] == pytest.approx(document["limiting_potential"], rel=1e-15)
            assert row["temperature (K)"] == 298.15
            assert row["site"] == document["site"]["label"]
            for name in ("OOH", "OH", "H"):
                known = document["free_energies"].get(name, math.nan)
                assert row[f"free_{name} (eV)"] == pytest.approx(known, rel=1e-15, nan_ok=True)
    assert set(table["pds"]) == {"* + O2 → OOH*", "* → H*"}
    assert [list(value) for value in lines["pds"]] == [[value] for value in table["pds"]]


def test_pyarrow_reads_types_and_units_from_parquet(results: Results, tmp_path: Path) -> None:
    assert export(results.sort("overpotential"), "parquet", tmp_path / "a.parquet").number == 4
    schema = pq.read_schema(tmp_path / "a.parquet")
    assert schema.field("overpotential").metadata == {
        b"unit": b"V",
        b"description": b"overpotential",
        b"symbol": "η".encode(),
    }
    assert str(schema.field("spin").type) == "int64"
    assert str(schema.field("pds").type) == "list<element: string>"
    assert b"mock" in schema.metadata[b"title"]
    table = pd.read_parquet(tmp_path / "a.parquet")
    assert list(table["overpotential"]) == [row["overpotential"] for row in results.sort("overpotential")]
    assert table["predictive"].dtype == bool


def test_a_batch_of_parquet_ends_anywhere(results: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("atomsieve.analysis.export.parquet.BATCH", 3)
    export(results.of("adsorption_energies").select("updated", "key", "warnings"), "parquet", tmp_path / "a.parquet")
    table = pq.read_table(tmp_path / "a.parquet")
    assert table["key"].to_pylist() == [document["key"] for document in results.of("adsorption_energies").documents()]
    assert table["updated"].to_pylist()[0].tzinfo is not None


def test_without_pyarrow_one_is_told_what_to_install(
    results: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(InputError, match=re.escape("pip install 'atomsieve[parquet]'")):
        export(results, "parquet", tmp_path / "a.parquet")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("collection", ROWS)
def test_ase_selects_rows_of_its_database_by_their_numbers(collection: str, results: Results, tmp_path: Path) -> None:
    rows = {document["key"]: document for document in results.of(collection).documents()}
    written = export(results.of(collection), "ase", tmp_path / "sites.db")
    assert written == Written(len(rows), "structures")
    with ase.db.connect(tmp_path / "sites.db") as database:
        for row in database.select():
            document = rows[row.data["key"]]
            role = "adsorbed" if collection == "adsorption_energies" else "clean"
            keys = document.get("calculations")
            if keys is not None:
                calculation = results.database.known([keys[role]])[keys[role]]
                assert row.energy == calculation["energy"]
                assert row.forces == pytest.approx(np.array(calculation["forces"]))
                assert row.toatoms().positions == pytest.approx(np.array(calculation["atoms"]["positions"]))
            assert row.site == document["site"]["label"]
            assert row["atomsieve_calculator" if "atomsieve_calculator" in row else "method"] == "mock"
        units = {name: entry[2] for name, entry in database.metadata["key_descriptions"].items()}
        if collection == "reaction_results":
            assert units["overpotential"] == "V"
            assert database.count("overpotential<0.84,reaction=ORR") == 1
        elif collection == "adsorption_energies":
            assert units["atomsieve_free_energy"] == "eV"
            assert database.count("adsorbate=OH,Fe") == 1


def test_ase_reads_energies_and_forces_from_extended_xyz(results: Results, tmp_path: Path) -> None:
    calculations = {d["key"]: d for d in results.of("calculations").where(status="done").documents()}
    assert export(results.of("calculations"), "xyz", tmp_path / "a.xyz") == Written(len(calculations), "frames")
    frames = list(ase.io.iread(tmp_path / "a.xyz", index=":"))
    assert len(frames) == len(calculations)
    for frame in frames:
        calculation = calculations[frame.info["key"]]
        assert frame.get_potential_energy() == calculation["energy"]
        assert frame.get_forces() == pytest.approx(np.array(calculation["forces"]), abs=1e-8)
        assert frame.positions == pytest.approx(np.array(calculation["atoms"]["positions"]), abs=1e-8)
        assert frame.info["method"] == "mock"
        assert frame.info.get("multiplicity") == calculation["request"]["multiplicity"]
    told = {(f.info["task"], f.info.get("site"), f.info.get("adsorbate")) for f in frames}
    assert {("clean", f"{m}-N4@graphene-3x3", None) for m in ("Fe", "Co")} < told
    assert {("adsorbed", f"{m}-N4@graphene-3x3", a) for m in ("Fe", "Co") for a in ("O", "OH", "OOH", "H")} < told
    assert {"H2", "H2O"} < {frame.info.get("molecule") for frame in frames}


def test_frames_without_forces_are_counted(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "old.sqlite"
    copy.write_bytes((folder / "atomsieve-data" / "atomsieve.sqlite").read_bytes())
    with Database.embedded(copy) as database:
        gas = database.calculations.query_one({"request.task": "molecule"})
        del gas["forces"]
        database.calculations.update([gas], "key")
    with Results.open(copy, of="calculations") as results:
        written = export(results, "xyz", tmp_path / "a.xyz")
    assert written.notes == ("1 frames have an energy and no forces: these were not kept",)
    (bare,) = [f for f in ase.io.iread(tmp_path / "a.xyz", index=":") if "forces" not in f.calc.results]
    assert bare.info["key"] == gas["key"]
    assert bare.get_potential_energy() == gas["energy"]


@pytest.mark.parametrize("name", ["cif", "poscar"])
def test_pymatgen_reads_the_folders_of_structures(name: str, results: Results, tmp_path: Path) -> None:
    rows = results.of("adsorption_energies")
    out = tmp_path / name
    assert export(rows, name, out).number == 8
    index = pd.read_csv(out / "index.csv")
    assert {path.name for path in out.iterdir()} == {*index["file"], "index.csv"}
    documents = {document["key"]: document for document in rows.documents()}
    for _, line in index.iterrows():
        document = documents[line["key"]]
        key = document["calculations"]["adsorbed"]
        calculation = results.database.known([key])[key]
        found = Structure.from_file(out / line["file"])
        expected = ase.Atoms(**{k: calculation["atoms"][k] for k in ("numbers", "positions", "cell", "pbc")})
        assert line["energy (eV)"] == calculation["energy"]
        assert line["free_energy (eV)"] == document["free"]
        assert sorted(found.atomic_numbers) == sorted(expected.numbers)
        assert found.lattice.abc == pytest.approx(expected.cell.lengths(), abs=1e-6)
        assert found.lattice.angles == pytest.approx(expected.cell.angles(), abs=1e-6)
        ours = np.sort(expected.get_all_distances(mic=True), axis=None)
        assert np.sort(found.distance_matrix, axis=None) == pytest.approx(ours, abs=1e-5)
        assert re.fullmatch(r"[\w.()+-]+", line["file"])


def test_reactions_of_a_site_share_its_file(results: Results, tmp_path: Path) -> None:
    assert export(results, "cif", tmp_path / "cif").number == 2
    assert len(pd.read_csv(tmp_path / "cif" / "index.csv")) == 4


def test_what_has_no_cell_gets_a_box() -> None:
    water = Atoms("OH2", [(0, 0, 0), (0.76, 0.59, 0), (-0.76, 0.59, 0)])
    box = boxed(water)
    assert box.cell.lengths() == pytest.approx([13.52, 12.59, 12.0])
    assert box.pbc.all()
    assert box.get_all_distances() == pytest.approx(water.get_all_distances())
    sheet = Atoms(
        "C2", [(0, 0, 0), (0, 1.42, 0)], cell=[(2.46, 0, 0), (0, 4.26, 0), (0, 0, 0)], pbc=(True, True, False)
    )
    assert boxed(sheet).cell.lengths() == pytest.approx([2.46, 4.26, 12.0])


@pytest.mark.parametrize("collection", ROWS)
def test_the_models_of_optimade_take_the_structures(collection: str, results: Results, tmp_path: Path) -> None:
    rows = results.of(collection)
    written = export(rows, "optimade", tmp_path / "a.json")
    response = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    model = StructureResponseMany(**response)
    assert len(model.data) == written.number == rows.count()
    assert response["meta"]["_atomsieve_units"]["_atomsieve_energy"] == "eV"
    documents = {document["key"]: document for document in rows.documents()}
    for entry in response["data"]:
        assert entry["attributes"]["_atomsieve_site"] == documents[entry["id"]]["site"]["label"]
        key = entry["attributes"]["immutable_id"]
        calculation = results.database.known([key])[key]
        # what other programs make of it
        atoms = OptimadeStructure(entry).as_ase
        assert atoms.numbers.tolist() == calculation["atoms"]["numbers"]
        assert atoms.positions == pytest.approx(np.array(calculation["atoms"]["positions"]))
        assert atoms.cell.array == pytest.approx(np.array(calculation["atoms"]["cell"]))


def test_rows_without_a_geometry_are_counted(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "torn.sqlite"
    copy.write_bytes((folder / "atomsieve-data" / "atomsieve.sqlite").read_bytes())
    with Database.embedded(copy) as database:
        row = database.adsorption_energies.query_one({"adsorbate": "OH"})
        database.calculations.remove_docs({"key": row["calculations"]["adsorbed"]})
    with Results.open(copy, of="adsorption_energies") as results:
        written = export(results, "ase", tmp_path / "a.db")
    assert written == Written(7, "structures", ("1 rows are left out: no relaxed geometry is stored for them",))


def cells(line: str) -> list[str]:
    return [re.sub(r"\\(.)", r"\1", cell).strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def test_a_papers_table_has_the_numbers_of_the_database_with_their_decimals(results: Results, tmp_path: Path) -> None:
    asked = results.sort("site")
    written = export(asked, "markdown", tmp_path / "a.md")
    assert written == Written(4, "rows", ("mock: pre-screening, not predictive",))
    text = (tmp_path / "a.md").read_text(encoding="utf-8")
    for reaction, adsorbates in (("ORR", ("OOH", "O", "OH")), ("HER", ("H",))):
        table = text[text.index(f"### {reaction}") :].partition("\n\n")[2].partition("\n\n")[0].splitlines()
        held = ("formation_energy", "binding_energy")
        last = ("pds", "limiting_potential", "overpotential")
        heads = ["site", "spin", "moments", *held, *(f"free_{name}" for name in adsorbates), *last]
        assert cells(table[0]) == [label(name).header for name in heads]
        found = {cells(line)[0]: dict(zip(heads, cells(line), strict=True)) for line in table[2:]}
        assert len(found) == 2
        for document in asked.where(reaction=reaction).documents():
            row = found[document["site"]["label"]]
            assert row["spin"] == str(document["multiplicity"])
            assert row["moments"] == f"{document['multiplicity'] - 1:.2f}", "one metal holds all of the mock's moment"
            (stability,) = results.of("stabilities").where(site=document["site"]["label"]).documents()
            assert [row[name] for name in held] == [f"{stability[name]:.2f}" for name in held]
            for name in adsorbates:
                assert row[f"free_{name}"] == f"{document['free_energies'][name]:.2f}"
            assert row["pds"] == ", ".join(document["potential_determining_steps"])
            assert row["overpotential"] == f"{document['overpotential']:.2f}"
            assert row["limiting_potential"] == f"{document['limiting_potential']:.2f}"
    assert "T = 298.15 K, pH 0" in text
    assert "Method: mock." in text
    assert "mock: pre-screening, not predictive" in text
    assert "0.20 V (assumed)" in text


def nodes(walker: LatexWalker, kind: str) -> list[LatexEnvironmentNode]:
    found, waiting = [], list(walker.get_latex_nodes()[0])
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, LatexEnvironmentNode) and node.environmentname == kind:
            found.append(node)
        waiting += getattr(node, "nodelist", None) or []
    return found


def test_a_papers_table_is_sound_latex(results: Results, tmp_path: Path) -> None:
    assert export(results, "latex", tmp_path / "a.tex").number == 4
    text = (tmp_path / "a.tex").read_text(encoding="utf-8")
    assert text.isascii()
    tables = nodes(LatexWalker(text, tolerant_parsing=False), "tabular")
    assert len(tables) == 2
    for table in tables:
        rows = [line for line in table.latex_verbatim().splitlines() if line.endswith(r"\\")]
        columns = re.match(r"\\begin\{tabular\}\{([lr]+)\}", table.latex_verbatim())
        assert columns is not None
        assert {len(re.findall(r"(?<!\\)&", row)) for row in rows} == {len(columns[1]) - 1}
        assert len(rows) == 2 + 2
    document = next(iter(results.where(reaction="HER", site="Fe-N4@graphene-3x3").documents()))
    assert f"${document['limiting_potential']:.2f}$" in text
    assert r"$\Delta G$(OOH$^{*}$)" in text
    assert r"$^{*}$ + O$_{2}$ $\rightarrow$ OOH$^{*}$" in text


def test_latex_of_a_long_table_and_of_awkward_words() -> None:
    heads = [label("site"), label("pds"), label("overpotential")]
    rows = [[f"Fe_{n}&50%#{{x}}~^\\", "NO3- + * → NO3*, O.O* → 2 O*", "-0.10" if n else "–"] for n in range(41)]
    text = "\n".join(latex(heads, iter(rows), 41, "nitrate", ["U_L at 5 °C, 100 %"], "NO3RR:a+b"))
    (table,) = nodes(LatexWalker(text, tolerant_parsing=False), "longtable")
    assert table.latex_verbatim().count(r"\rightarrow") == 2 * 41
    assert r"\label{tab:NO3RR-a-b}" in text
    assert "NO$_{3}^{-}$ + $^{*}$ $\\rightarrow$ NO$_{3}^{*}$, O.O$^{*}$" in text
    assert r"Fe\_1\&50\%\#\{x\}\textasciitilde{}\textasciicircum{}\textbackslash{}" in text
    assert words("CO2 reduction to CO") == "CO$_{2}$ reduction to CO"


def test_methods_are_never_mixed_unless_asked_by_name(mixed: Results, tmp_path: Path) -> None:
    for name, one in FORMATS.items():
        if not one.of or "reaction_results" in one.of:
            said = {"title": "T", "authors": "A, B", "year": "2026"} if "title" in one.options else {}
            with pytest.raises(MethodMismatchError, match=r"mock.*vasp RPBE|vasp RPBE.*mock"):
                export(mixed, name, tmp_path / f"{name}.db", **said)
    assert {path.name for path in tmp_path.iterdir()} <= {"mixed.sqlite", "mixed.sqlite-wal", "mixed.sqlite-shm"}
    for method, number in (("mock", 4), ("vasp", 4), ("any", 8)):
        assert export(mixed.where(method=method), "csv", tmp_path / f"{method}.csv").number == number
    titles = pd.read_csv(tmp_path / "any.csv")["method"]
    assert titles.value_counts().to_dict() == {"mock": 4, "vasp RPBE": 4}


def test_methods_that_were_asked_for_together_have_tables_of_their_own(mixed: Results, tmp_path: Path) -> None:
    export(mixed.where(method="any", reaction="ORR"), "markdown", tmp_path / "a.md")
    text = (tmp_path / "a.md").read_text(encoding="utf-8")
    assert re.findall(r"- Method: (.*)\.\n", text) == ["mock", "vasp RPBE"]
    assert text.count("mock: pre-screening") == 1


def test_nothing_half_written_is_ever_found(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "a.csv"
    with whole_file(out) as partial:
        partial.write_text("first", encoding="utf-8")
        assert not out.exists()
    with pytest.raises(TypeError), whole_file(out) as partial:
        partial.write_text(None)  # type: ignore[arg-type]
    assert out.read_text(encoding="utf-8") == "first"
    assert [path.name for path in out.parent.iterdir()] == ["a.csv"]
    with pytest.raises(TypeError), whole_folder(tmp_path / "b") as partial:
        (partial / "one").write_text(None)  # type: ignore[arg-type]
    assert [path.name for path in tmp_path.iterdir()] == ["deep"]
    with pytest.raises(InputError, match="is a folder; name the file"), whole_file(tmp_path):
        pass
    with pytest.raises(InputError, match="is there already"), whole_folder(tmp_path / "deep"):
        pass


def test_an_export_that_breaks_off_leaves_what_was_there(
    results: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "a.json"
    out.write_text("older", encoding="utf-8")

    def broken(*arguments: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("atomsieve.analysis.export.optimade._meta", broken)
    with pytest.raises(OSError, match="No space left"):
        export(results, "optimade", out)
    assert [(path.name, path.read_text(encoding="utf-8")) for path in tmp_path.iterdir()] == [("a.json", "older")]


def test_errors_name_what_is_allowed(results: Results, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="did you mean 'parquet'"):
        export(results, "parket", tmp_path / "a")
    with pytest.raises(InputError, match="unknown option of csv 'title'"):
        export(results, "csv", tmp_path / "a", title="x")
    with pytest.raises(InputError, match="xyz is made of calculations, not of reaction_results"):
        export(results, "xyz", tmp_path / "a")


def test_the_command_writes_what_is_asked_for(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def said(*arguments: str | Path) -> str:
        monkeypatch.setattr(sys, "argv", ["atomsieve", "export", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        told = capsys.readouterr()
        return told.out if left.value.code == 0 else told.err

    monkeypatch.chdir(folder)
    assert list(json.loads(said("--json"))) == list(FORMATS)
    assert "extended XYZ" in said()
    where = folder / "atomsieve-data"
    assert json.loads(
        said("csv", tmp_path / "a.csv", "--database", where, "--where", "reaction = ORR and metal = Fe", "--json")
    ) == {"file": str(tmp_path / "a.csv"), "format": "csv", "written": 1, "of": "rows", "notes": []}
    assert pd.read_csv(tmp_path / "a.csv")["site"].tolist() == ["Fe-N4@graphene-3x3"]
    chosen = ("--columns", "site, overpotential", "--sort", "-overpotential", "--top", "3")
    assert said("csv", "b.csv", *chosen) == "wrote 3 rows to b.csv\n"
    assert list(pd.read_csv("b.csv")) == ["site", "overpotential (V)"]
    assert said("markdown", "b.md") == "wrote 4 rows to b.md\nmock: pre-screening, not predictive\n"
    assert "did you mean 'csv'" in said("cvs", "c.csv")
    assert "NAME=VALUE" in said("csv", "c.csv", "--set", "title")
    assert "atomsieve export csv OUT" in said("csv")
