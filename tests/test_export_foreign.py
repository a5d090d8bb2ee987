"""Exports for Catalysis-Hub and CatMAP: sums against the database, and each file read back by the tool it is for."""

from __future__ import annotations

import ast
import csv
import json
import os
import sqlite3
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import ase.db
import pytest
from ase import Atoms

from atomsieve.analysis import Results
from atomsieve.analysis.adsorption import adsorption_energy
from atomsieve.analysis.database import Database
from atomsieve.analysis.electrode import limiting_potential
from atomsieve.analysis.export import FORMATS, export
from atomsieve.analysis.export.catalysis_hub import write_reactions
from atomsieve.analysis.export.catmap import COLUMNS, write_table
from atomsieve.analysis.export.publication import Publication
from atomsieve.structures.calculation import Calculation, Request
from atomsieve.structures.energies import AdsorptionEnergy, SiteLabel
from atomsieve.structures.errors import InputError
from atomsieve.structures.gas_correction import gas_corrections
from atomsieve.structures.identity import content_key
from atomsieve.structures.judgement import Judgement, Verdict
from atomsieve.structures.method import Method
from atomsieve.structures.molecule import molecule
from atomsieve.structures.reaction import reaction
from atomsieve.structures.reference import reference
from atomsieve.structures.site import atoms_to_dict
from atomsieve.structures.units import WAVENUMBER
from atomsieve.structures.vibrations import Vibrations, vibrations_request

METHOD = Method("vasp", {"functional": "PBE", "dispersion": "D3(BJ)", "u": {"Fe": 3.3}}, "dft")
#: The last release of cathub, the last of ASE with which it works, and of what else it asks for what reading needs.
CATHUB = (
    "--no-deps",
    "cathub==0.1.7",
    "ase==3.24.0",
    "numpy==2.2.6",
    "scipy==1.15.3",
    "pandas==2.3.3",
    "sqlalchemy==2.0.44",
    "greenlet==3.2.4",
    "typing-extensions==4.15.0",
    "psycopg2-binary==2.9.11",
    "python-dateutil==2.9.0.post0",
    "pytz==2025.2",
    "six==1.17.0",
    "tabulate==0.9.0",
    "future==1.0.0",
)
CITED = {
    "title": "The sieve of atoms",
    "authors": "Curie, Marie; Bohr, Niels",
    "year": "2026",
    "journal": "J. Sieves",
    "doi": "https://doi.org/10.1021/jp047349j",
    "tags": "single atoms, ORR",
}
PUBLICATION = Publication.from_options(CITED)


class Made:
    """Documents as a database would hold them."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.stored: dict[str, dict[str, Any]] = {}

    def known(self, keys: Sequence[str]) -> dict[str, dict[str, Any]]:
        return {key: self.stored[key] for key in keys if key in self.stored}

    def calculate(self, task: Any, subject: Mapping[str, Any], atoms: Atoms, energy: float, **more: Any) -> Calculation:
        judgement = Judgement(Verdict.BOUND if task == "adsorbed" else Verdict.INTACT, "as meant")
        request = Request(task, subject, METHOD, 0.05, multiplicity=1, parents=tuple(more.get("parents", ())))
        geometry = content_key("geometry", request.key)
        done = Calculation(request, energy, atoms_to_dict(atoms), geometry, judgement, 7, 0.04)
        self.stored[done.key] = done.to_dict()
        return done

    def vibrate(self, relaxed: Calculation, wavenumbers: Sequence[float]) -> Vibrations:
        request = vibrations_request(relaxed.request, range(len(relaxed.atoms["numbers"])))
        energies = tuple(number * WAVENUMBER for number in wavenumbers)
        found = Vibrations(request, relaxed.atoms, (), energies, (), (), 0.0, relaxed.judgement, 0)
        self.stored[found.key] = found.to_dict()
        return found


GASES = {"H2": -6.77, "H2O": -14.22, "CO2": -22.96}
ENERGIES = {"OH": -110.4, "O": -105.1, "OOH": -114.9, "CO": -115.3}


def on_a_site(made: Made, label: str, shift: float = 0.0, policy: Mapping[str, Any] | None = None) -> None:
    """Add the rows of a site."""
    site = SiteLabel(label, content_key("site", label), "graphene", ("Fe",))
    slab = Atoms("FeN4C4", [(i, 0.5 * i, 8.0) for i in range(9)], cell=(10, 10, 16), pbc=True)
    gases = {
        name: made.calculate("molecule", {"molecule": name}, molecule(name).atoms, energy)
        for name, energy in GASES.items()
    }
    clean = made.calculate("clean", {"recipe": label}, slab, -100.0 + shift)
    meant = {"corrections": "norskov", "solvation": "none", "temperature": 298.15, **(policy or {})}
    for name, energy in ENERGIES.items():
        bound = slab + Atoms(name, [(0, 0, 10.0 + i) for i in range(len(Atoms(name)))])
        pose = {"adsorbate": name, "metal": 0, "face": "up"} | ({"mode": "side-on"} if name == "CO" else {})
        adsorbed = made.calculate("adsorbed", pose, bound, energy + shift, parents=(clean.key,))
        row = adsorption_energy(
            site=site,
            adsorbate=name,
            method=METHOD.to_dict(),
            policy={**meant, "corrections": "none"} if name == "CO" else meant,
            clean=[reference(clean.to_dict())],
            adsorbed=[reference(adsorbed.to_dict())],
            gases={gas: reference(done.to_dict()) for gas, done in gases.items()},
        )
        if name == "OH":
            own = made.vibrate(adsorbed, (-40.0, 120.5, 3700.25))
            water = made.vibrate(gases["H2O"], (1595.0, 3657.0, 3756.0))
            calculations = {**row.calculations, "vibrations of adsorbed": own.key, "vibrations of H2O": water.key}
            row = replace(row, calculations=calculations)
        made.rows.append({**row.to_dict(), "provenance": {"user": "marie"}})


@pytest.fixture
def made() -> Made:
    found = Made()
    on_a_site(found, "Fe-N4@graphene-4x4")
    return found


def reactions_in(file: Path) -> list[dict[str, Any]]:
    connection = sqlite3.connect(file)
    connection.row_factory = sqlite3.Row
    found = [dict(row) for row in connection.execute("SELECT * FROM reaction ORDER BY id")]
    connection.close()
    return found


def sums_in(file: Path) -> list[tuple[float, float]]:
    """Return the energy of each reaction beside that of its systems, products less reactants."""
    connection = sqlite3.connect(file)
    found = []
    for one in reactions_in(file):
        rows = connection.execute(
            "SELECT name, energy_correction, energy FROM reaction_system JOIN systems ON ase_id = unique_id "
            "WHERE reaction_system.id = ?",
            (one["id"],),
        )
        energies = {name: energy + correction for name, correction, energy in rows}
        reactants, products = json.loads(one["reactants"]), json.loads(one["products"])
        assert energies.keys() == reactants.keys() | products.keys()
        total = sum(n * energies[name] for name, n in products.items())
        found.append((one["reaction_energy"], total - sum(n * energies[name] for name, n in reactants.items())))
    connection.close()
    return found


def test_adsorptions_are_reactions_whose_energies_add_up(made: Made, tmp_path: Path) -> None:
    written = write_reactions(made.rows, made.known, tmp_path / "hub.db", PUBLICATION)
    assert (written.number, written.noun, written.notes) == (4, "reactions", ())
    found = {next(iter(json.loads(one["products"]))): one for one in reactions_in(tmp_path / "hub.db")}
    equations = {name: (json.loads(one["reactants"]), json.loads(one["products"])) for name, one in found.items()}
    assert equations == {
        "OHstar": ({"star": 1, "H2Ogas": 1}, {"OHstar": 1, "H2gas": 0.5}),
        "Ostar": ({"star": 1, "H2Ogas": 1}, {"Ostar": 1, "H2gas": 1}),
        "OOHstar": ({"star": 1, "H2Ogas": 2}, {"OOHstar": 1, "H2gas": 1.5}),
        "COstar": ({"star": 1, "H2gas": 1, "CO2gas": 1}, {"COstar": 1, "H2Ogas": 1}),
    }
    by_hand = -110.4 + 100.0 + 14.22 - 0.5 * 6.77
    assert found["OHstar"]["reaction_energy"] == pytest.approx(by_hand)
    for stated, summed in sums_in(tmp_path / "hub.db"):
        assert stated == pytest.approx(summed)
    first = found["OHstar"]
    assert (first["chemical_composition"], first["surface_composition"]) == ("FeC4N4", "Fe-N4@graphene-4x4")
    assert (first["dft_code"], first["dft_functional"]) == ("vasp", "PBE-D3(BJ)+U(Fe 3.3)")
    assert (first["username"], first["pub_id"]) == ("marie", "Curiesieve2026")
    assert json.loads(first["sites"]) == {"OH": "ontop"}
    assert json.loads(found["COstar"]["sites"]) == {"CO": "side-on"}


def test_what_has_no_column_is_with_the_systems(made: Made, tmp_path: Path) -> None:
    write_reactions(made.rows, made.known, tmp_path / "hub.db", PUBLICATION)
    with ase.db.connect(tmp_path / "hub.db") as database:
        assert database.count() == 3 + 1 + 4
        row = next(database.select(adsorbate="OH"))
        assert row.calculator == "vasp"
        assert row.energy == -110.4
        assert row.adsorption_free_energy == pytest.approx(made.rows[0]["free"])
        assert row.adsorption_energy + row.correction_terms == pytest.approx(row.adsorption_free_energy)
        assert (row.family, row.site_label, row.multiplicity) == ("graphene", "Fe-N4@graphene-4x4", 1)
        assert row.row_key == f"sha256:{made.rows[0]['key']}"
        assert {gas.species for gas in database.select(state="gas")} == set(GASES)
        first = {row.unique_id for row in database.select()}
    write_reactions(made.rows, made.known, tmp_path / "again.db", PUBLICATION)
    with ase.db.connect(tmp_path / "again.db") as database:
        assert {row.unique_id for row in database.select()} == first


def test_gas_corrections_are_energy_corrections(tmp_path: Path) -> None:
    table = next(name for name, one in gas_corrections().items() if one.values(METHOD.to_dict()))
    values = gas_corrections()[table].values(METHOD.to_dict())
    made = Made()
    on_a_site(made, "Fe-N4", policy={"gas_corrections": table})
    write_reactions(made.rows, made.known, tmp_path / "hub.db", PUBLICATION)
    connection = sqlite3.connect(tmp_path / "hub.db")
    found = dict(connection.execute("SELECT name, energy_correction FROM reaction_system").fetchall())
    connection.close()
    assert {name: found[f"{name}gas"] for name in GASES} == pytest.approx({n: values.get(n, 0.0) for n in GASES})
    assert any(found.values())
    for stated, summed in sums_in(tmp_path / "hub.db"):
        assert stated == pytest.approx(summed)


def test_what_is_left_out_is_said(made: Made, tmp_path: Path) -> None:
    unbound = {**made.rows[0], "terms": [], "verdict": "dissociated"}
    other = {**made.rows[0], "policy": {**made.rows[0]["policy"], "solvation": "table"}, "key": "f" * 64}
    lost = {**made.rows[1], "terms": [{**term, "source": "0" * 64} for term in made.rows[1]["terms"]]}
    written = write_reactions([made.rows[0], unbound, other, lost], made.known, tmp_path / "hub.db", PUBLICATION)
    assert written.number == 1
    assert len(written.notes) == 3
    with pytest.raises(InputError, match=r"nothing to write: 1 without a bound state"):
        write_reactions([unbound], made.known, tmp_path / "none.db", PUBLICATION)
    assert not (tmp_path / "none.db").exists()
    wrong = {**made.rows[0], "electronic": 9.0}
    with pytest.raises(InputError, match=r"add up to .* and its row .* says 9"):
        write_reactions([wrong], made.known, tmp_path / "none.db", PUBLICATION)
    with pytest.raises(InputError, match=r"end in \.db"):
        write_reactions(made.rows, made.known, tmp_path / "hub.sqlite", PUBLICATION)


def test_a_publication_says_all_that_it_lacks_at_once() -> None:
    with pytest.raises(InputError, match=r"say its authors, year"):
        Publication.from_options({"title": "The sieve"})
    for wrong in ({"year": "26"}, {"doi": "jp047349j"}, {"authors": " ; "}):
        with pytest.raises(InputError, match=f"{next(iter(wrong))} "):
            Publication.from_options(CITED | wrong)
    assert PUBLICATION.more["doi"] == "10.1021/jp047349j"
    assert PUBLICATION.authors == ("Curie, Marie", "Bohr, Niels")
    assert Publication.from_options(CITED | {"pub_id": "Mine2026"}).pub_id == "Mine2026"
    assert FORMATS["catalysis-hub"].options.keys() >= CITED.keys()


READ_BACK = """
import json, sys
from cathub.cathubsql import CathubSQL
from cathub.cathubsqlite import CathubSQLite
sys.stdout, out = sys.stderr, sys.stdout
CathubSQLite(sys.argv[1], stdout=sys.stderr).print_summary()
frame = CathubSQL(filename=sys.argv[1]).get_dataframe(include_atoms=True)
found = []
for _, one in frame.iterrows():
    atoms = dict(zip(one["atoms_name"], one["atoms"]))
    energy = 0.0
    for column, sign in (("products", 1), ("reactants", -1)):
        for name, number in json.loads(one[column]).items():
            energy += sign * number * atoms[name].get_potential_energy()
    found.append([one["equation"], one["reaction_energy"], energy, one["doi"], one["pub_id"]])
known = CathubSQLite(sys.argv[1]).check_publication(found[0][-1])
json.dump({"reactions": found, "publication": known}, out)
"""


@pytest.mark.slow
def test_cathub_reads_the_file_back(made: Made, tmp_path: Path, foreign: Callable[..., Path]) -> None:
    write_reactions(made.rows, made.known, tmp_path / "hub.db", PUBLICATION)
    command = [str(foreign(*CATHUB)), "-c", READ_BACK, str(tmp_path / "hub.db")]
    result = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "USER": "marie"})
    assert result.returncode == 0, result.stderr
    # its table for people
    assert "H2O(g) + * -> OH* + 0.5H2(g)" in result.stderr
    found = json.loads(result.stdout)
    assert found["publication"] == 1
    assert [row[0] for row in found["reactions"]] == [
        "H2O(g) + * -> 0.5H2(g) + OH*",
        "H2O(g) + * -> H2(g) + O*",
        "2H2O(g) + * -> 1.5H2(g) + OOH*",
        "CO2(g) + H2(g) + * -> CO* + H2O(g)",
    ]
    for row, (_, stated, summed, doi, _) in zip(made.rows, found["reactions"], strict=True):
        assert stated == pytest.approx(row["electronic"])
        assert stated == pytest.approx(summed)
        assert doi == "10.1021/jp047349j"


def test_results_of_reactions_bring_the_rows_that_they_stand_on(made: Made, tmp_path: Path) -> None:
    rows = [AdsorptionEnergy.from_dict(row) for row in made.rows]
    orr = limiting_potential(
        reaction("ORR"),
        {row.adsorbate: row for row in rows if row.adsorbate != "CO"},
        site=rows[0].site,
        method=METHOD.to_dict(),
        conditions={"temperature": 298.15, "pH": 0.0, "potential": 0.0, "scale": "RHE"},
    )
    with Database.embedded(tmp_path / "atomsieve.sqlite") as database:
        database.ingest(list(made.stored.values()))
        database.push(rows, [orr])
    said = {name: value for name, value in CITED.items() if name in ("title", "authors", "year")}
    with Results.open(tmp_path) as results:
        assert export(results, "catalysis-hub", tmp_path / "orr.db", **said).number == 3
        assert export(results.of("adsorption_energies"), "catalysis-hub", tmp_path / "all.db", **said).number == 4
        assert export(results, "catmap", tmp_path / "orr.txt", energies="free", reaction="ORR").number == 3
        few = results.of("adsorption_energies").where(adsorbate="CO")
        assert export(few, "catmap", tmp_path / "few.txt").number == 1
        with pytest.raises(InputError, match="option of catmap"):
            export(results, "catmap", tmp_path / "few.txt", units="eV")
        with pytest.raises(InputError, match="authors"):
            export(results, "catalysis-hub", tmp_path / "orr.db", title="The sieve")
    assert {row["species_name"] for row in table_of(tmp_path / "few.txt")} == {"CO", "H2", "H2O", "CO2"}


def table_of(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text, delimiter="\t"))


def test_a_table_for_catmap_has_its_columns(made: Made, tmp_path: Path) -> None:
    written = write_table(made.rows, made.known, tmp_path / "energies.txt")
    assert written.number == 4
    assert "3 without frequencies" in written.notes[0]
    rows = table_of(tmp_path / "energies.txt")
    assert tuple(rows[0]) == COLUMNS
    found = {(row["surface_name"], row["site_name"], row["species_name"]): row for row in rows}
    own = {("Fe-N4@graphene-4x4", "s", name) for name in ENERGIES}
    assert found.keys() == own | {("None", "gas", name) for name in GASES}
    # energies of a site as CatMAP's documentation has them: less the site, less the atoms by their references
    hydrogen = GASES["H2"] / 2
    oxygen = GASES["H2O"] - GASES["H2"]
    carbon = GASES["CO2"] - 2 * oxygen
    atoms = {"H": hydrogen, "O": oxygen, "C": carbon}
    for name, energy in ENERGIES.items():
        by_hand = energy + 100.0 - sum(atoms[symbol] for symbol in Atoms(name).get_chemical_symbols())
        assert float(found["Fe-N4@graphene-4x4", "s", name]["formation_energy"]) == pytest.approx(by_hand)
    # its parser evaluates them as Python
    modes = {row["species_name"]: ast.literal_eval(row["frequencies"]) for row in rows}
    assert modes["OH"] == [120.5, 3700.2]
    assert modes["H2O"] == [1595.0, 3657.0, 3756.0]
    assert modes["OOH"] == modes["H2"] == []
    assert all(row["other_parameters"] == "[]" and None not in row.values() for row in rows)
    assert found["Fe-N4@graphene-4x4", "s", "OH"]["reference"].startswith("vasp PBE-D3(BJ)+U(Fe 3.3), row ")


def test_a_model_is_written_beside_free_energies(tmp_path: Path) -> None:
    made = Made()
    for number, shift in enumerate((0.0, 0.1, 0.3)):
        on_a_site(made, f"site-{number}", 0.0)
        for row in made.rows[-4:]:
            row["free"] += shift
    written = write_table(made.rows, made.known, tmp_path / "orr.txt", "free", "ORR")
    assert written.notes == ("a template of a model beside it: orr.mkm",)
    rows = table_of(tmp_path / "orr.txt")
    gases = {row["species_name"]: float(row["formation_energy"]) for row in rows if row["site_name"] == "gas"}
    assert gases == {"H2": 0, "H2O": 0, "CO2": 0, "pe": 0, "O2": 4.9156, "H2O2": molecule("H2O2").formation}
    assert {row["frequencies"] for row in rows} == {"[]"}
    model: dict[str, Any] = {}
    exec((tmp_path / "orr.mkm").read_text(encoding="utf-8"), model)
    assert model["rxn_expressions"] == [
        "*_s + O2_g + pe_g -> OOH_s",
        "OOH_s + pe_g -> O_s + H2O_g",
        "O_s + pe_g -> OH_s",
        "OH_s + pe_g -> *_s + H2O_g",
        "OOH_s + pe_g -> *_s + H2O2_g",
    ]
    assert model["input_file"] == "orr.txt"
    assert model["surface_names"] == ["site-0", "site-1", "site-2"]
    assert model["descriptor_names"] == ["OOH_s", "O_s"]
    assert model["gas_thermo_mode"] == "frozen_gas"
    # every species of the mechanism is in the table
    named = {species for step in model["rxn_expressions"] for species in step.replace("->", "+").split(" + ")}
    there = {f"{row['species_name']}_{'g' if row['site_name'] == 'gas' else 's'}" for row in rows}
    assert {name.strip() for name in named} - {"*_s"} <= there


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("warm",), "electronic, free"),
        (("electronic", "ORR"), "energies=free"),
        (("free", "NRR"), "no site has the free energies"),
        (("free", "ORT"), "ORR"),
    ],
)
def test_what_catmap_cannot_take_is_refused(made: Made, tmp_path: Path, arguments: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        write_table(made.rows, made.known, tmp_path / "energies.txt", *arguments)
    assert list(tmp_path.iterdir()) == []


def test_two_energies_of_one_species_are_refused(made: Made, tmp_path: Path) -> None:
    other = {**made.rows[0], "free": 9.0}
    with pytest.raises(InputError, match="two energies"):
        write_table([*made.rows, other], made.known, tmp_path / "energies.txt", "free")
    assert write_table([*made.rows, other], made.known, tmp_path / "energies.txt").number == 4
