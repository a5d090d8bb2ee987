"""The data of a report: they are those of the database, with every reason, what to cite, and nothing of the machine."""

from __future__ import annotations

import io
import json
import os
import re
import socket
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from pybtex.database.input.bibtex import Parser

from atomsieve.analysis.database import Database
from atomsieve.analysis.report.bibliography import Citations, dois, references
from atomsieve.analysis.report.discretion import discreet
from atomsieve.analysis.report.prose import counted, listed, number
from atomsieve.analysis.report.structure import compact, formula
from atomsieve.builders import catalog
from atomsieve.structures.campaign import campaign_from_data
from atomsieve.structures.correction import correction_tables
from atomsieve.structures.errors import InputError
from atomsieve.structures.gas_correction import gas_corrections
from atomsieve.structures.hubbard import hubbard_tables
from atomsieve.structures.reaction import reactions
from atomsieve.structures.site import atoms_to_dict
from atomsieve.workflows import commands
from atomsieve.workflows.calculators import CALCULATORS
from atomsieve.workflows.campaign_check import check
from atomsieve.workflows.campaigns import find, load, open_database, stored_database
from atomsieve.workflows.checked import CheckedCampaign
from atomsieve.workflows.folder import Folder
from atomsieve.workflows.funnel import levels
from atomsieve.workflows.overview import FIRST
from atomsieve.workflows.reporting import report_data
from atomsieve.workflows.runner import Runner
from atomsieve.workflows.settings import Settings
from atomsieve.workflows.watch import Watch

SECRET = "hunter2-of-nobody"
SIEVE = """\
name: sieve
sites:
  - {family: graphene, metals: [Fe, Co, Cu, Hg, Tc], supercell: 3x3}
reactions: [ORR, HER]
results: {database: embedded}
relaxation: {max_steps: 100}
poses: {most: 1}
spin: {clean: 2, adsorbed: 1}
stages:
  - name: screen
    method: {calculator: mock}
    adsorbates: [OH]
    relaxation: {fmax: 0.1}
    spin: {clean: 1}
    verdict: bound
    where: free energy of OH < 1.5
    keep: top 2 by lowest free energy of OH
  - name: refine
    method: {calculator: mock}
    stability: {demetallation: false, aggregation: false}
"""


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which a campaign of two stages has been run, by someone with a password in the settings."""
    folder = tmp_path_factory.mktemp("sieve")
    (folder / "sieve.yaml").write_text(SIEVE, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ATOMSIEVE_MONGODB_URI", uri())
        settings = Settings(folder=folder / "atomsieve-data")
        checked = load(folder / "sieve.yaml", settings)
        with open_database(checked.campaign, checked.folder, settings) as database:
            assert not Runner(checked, database, 2, Watch()).run().errors
    return folder


def uri() -> str:
    """Return an address with a password; the campaign asks for the embedded database."""
    return f"mongodb://reader:{SECRET}@127.0.0.1:1/nothing"


@pytest.fixture(scope="module")
def data(done: Path) -> dict[str, Any]:
    settings = Settings(folder=done / "atomsieve-data", mongodb_uri=uri())
    checked = find(str(done / "sieve.yaml"), settings)
    with stored_database(checked, settings) as database:
        return report_data(checked, levels(checked, database), database)


def documents(done: Path, collection: str) -> Iterator[dict[str, Any]]:
    with Database.embedded(done / "atomsieve-data" / "atomsieve.sqlite") as database:
        yield from getattr(database, collection).query({"superseded": False})


def cells(data: dict[str, Any]) -> list[dict[str, Any]]:
    names = [column["name"] for column in data["columns"]]
    return [dict(zip(names, row, strict=True)) for row in data["rows"]]


def test_the_shape_is_that_of_schema_1(data: dict[str, Any]) -> None:
    assert data["schema"] == 1
    assert tuple(column["name"] for column in data["columns"][: len(FIRST)]) == FIRST
    assert {column["kind"] for column in data["columns"]} == {"number", "text"}
    assert all(len(row) == len(data["columns"]) for row in data["rows"])
    assert {row[0] for row in data["rows"]} == set(data["sites"])
    campaign = data["campaign"]
    assert (campaign["name"], campaign["sites"]) == ("sieve", 5)
    assert [(s["name"], s["entered"], s["passed"]) for s in campaign["stages"]] == [("screen", 5, 2), ("refine", 2, 2)]
    assert [method["predictive"] for method in campaign["methods"]] == [False]
    assert [(r["name"], r["is_reduction"], r["electrons"]) for r in data["reactions"]] == [
        ("ORR", True, 4),
        ("HER", True, 2),
    ]
    # plain data, without numbers that JSON does not know
    json.dumps(data, allow_nan=False)


def test_every_number_is_that_of_the_database(done: Path, data: dict[str, Any]) -> None:
    rows = {
        (d["site"]["key"], d["adsorbate"], d["method"]["key"], d["policy"]["fmax"]): d
        for d in documents(done, "adsorption_energies")
    }
    seen = 0
    for site in data["sites"].values():
        fmax = 0.1 if site["provenance"]["stage"] == "screen" else 0.05
        for name, own in site["adsorbates"].items():
            stored = rows[site["key"], name, site["provenance"]["method"], fmax]
            assert (own["verdict"], own["reason"]) == (stored["verdict"], stored["reason"])
            assert [term[0] for term in own["terms"]] == [term["name"] for term in stored["terms"]]
            for term, other in zip(own["terms"], stored["terms"], strict=True):
                assert term[2] == pytest.approx(other["value"], abs=1e-6)
                # a source is a DOI, or the first letters of a request key
                assert other["source"].startswith(term[3].removeprefix("calculation "))
            if own["free"] is not None:
                seen += 1
                assert own["free"] == pytest.approx(stored["free"], abs=1e-6)
                assert sum(term[2] for term in own["terms"]) == pytest.approx(own["free"], abs=1e-5)
                assert own["calculations"]["adsorbed"] == stored["calculations"]["adsorbed"]
    assert seen > 8
    potentials = {(d["site"]["key"], d["reaction"]): d for d in documents(done, "reaction_results")}
    for site in data["sites"].values():
        for name, own in site["potentials"].items():
            stored = potentials[site["key"], name]
            assert own["limiting_potential"] == pytest.approx(stored["limiting_potential"], abs=1e-6)
            assert own["overpotential"] == pytest.approx(stored["overpotential"], abs=1e-6)
            assert own["pds"] == stored["potential_determining_steps"]
            assert own["free"] == pytest.approx([state["free"] for state in stored["states"]], abs=1e-6)
            assert own["electrons"][-1] == sum(step["electrons"] for step in stored["steps"])
    for row in cells(data):
        own = data["sites"][row["site"]]
        for name, adsorbate in own["adsorbates"].items():
            assert row[f"free_{name}"] == adsorbate["free"]
        if row["reaction"] is not None:
            assert row["limiting_potential"] == own["potentials"][row["reaction"]]["limiting_potential"]


def test_energies_of_states_add_up_at_every_potential(data: dict[str, Any]) -> None:
    site = next(site for site in data["sites"].values() if site["potentials"])
    own = site["potentials"]["ORR"]
    at_limit = [free + n * own["limiting_potential"] for free, n in zip(own["free"], own["electrons"], strict=True)]
    steps = [end - start for start, end in pairwise(at_limit)]
    # there the worst step is level, and all others are downhill
    assert max(steps) == pytest.approx(0.0, abs=1e-5)
    at_equilibrium = own["free"][-1] + own["electrons"][-1] * own["equilibrium"] - own["free"][0]
    assert at_equilibrium == pytest.approx(0.0, abs=1e-5)


def test_what_fell_out_or_failed_is_there_with_its_reason(data: dict[str, Any]) -> None:
    rows = {row["site"].split("-")[0]: row for row in cells(data)}
    assert len(data["sites"]) == 5
    assert "desorbed" in rows["Hg"]["verdict"]
    assert "desorbed" in rows["Hg"]["rejected"]
    assert "not converged" in rows["Tc"]["verdict"]
    assert rows["Tc"]["rejected"]
    passed = [row for row in rows.values() if row["rejected"] is None]
    assert [row["stage"] for row in passed] == ["refine", "refine"]
    assert {row["verdict"] for row in passed} == {"all bound"}
    ranked = [row for row in rows.values() if row["rejected"] and row["verdict"] == "all bound"]
    assert all("top 2" in row["rejected"] or "1.5" in row["rejected"] for row in ranked)
    (tc,) = (site for site in data["sites"].values() if site["metals"] == ["Tc"])
    assert tc["adsorbates"]["OH"]["verdict"] == "not converged"
    assert tc["adsorbates"]["OH"]["reason"]
    assert tc["adsorbates"]["OH"]["terms"] == []


def test_structures_are_those_of_the_lowest_states(done: Path, data: dict[str, Any]) -> None:
    with Database.embedded(done / "atomsieve-data" / "atomsieve.sqlite") as database:
        for site in data["sites"].values():
            if (key := site["provenance"].get("clean")) is None:
                continue
            clean = database.known([key])[key]["atoms"]
            whole = site["structure"]
            assert whole["numbers"] == clean["numbers"]
            assert whole["positions"] == pytest.approx([x for row in clean["positions"] for x in row], abs=5.1e-4)
            assert whole["cell"] == pytest.approx([x for row in clean["cell"] for x in row], abs=5.1e-4)
            assert len(whole["bonds"]) % 2 == 0
            assert site["formula"] == formula(clean["numbers"])
            for own in site["adsorbates"].values():
                if "structure" not in own:
                    assert own["free"] is None
                    continue
                stored = database.known([own["calculations"]["adsorbed"]])[own["calculations"]["adsorbed"]]["atoms"]
                added = own["structure"]["added"]
                assert whole["numbers"] + added["numbers"] == stored["numbers"]
                assert len(own["structure"]["positions"]) == 3 * len(stored["numbers"])
                # it is bonded to a metal
                (metal,) = (i for i, z in enumerate(whole["numbers"]) if z not in (6, 7))
                assert metal in added["bonds"]


def test_bonds_are_the_sites_own_and_go_by_radii_without_them() -> None:
    (recipe,) = catalog.recipes({"family": "porphine", "metals": ["Co"]})
    site = catalog.build(recipe)
    by_site, by_radii = compact(atoms_to_dict(site.atoms), site), compact(atoms_to_dict(site.atoms))

    def pairs(made: dict[str, Any]) -> set[frozenset[int]]:
        return {frozenset(made["bonds"][i : i + 2]) for i in range(0, len(made["bonds"]), 2)}

    assert pairs(by_site) == {frozenset(bond) for bond in site.bonds} == pairs(by_radii)
    assert by_site["cell"] is None
    # a site that has lost an atom is told by radii, and written out
    rest = site.atoms.copy()
    del rest[0]
    assert set(compact(atoms_to_dict(rest), site, whole=False)) == {"numbers", "positions", "cell", "bonds"}


def test_stability_and_descriptors_come_where_the_campaign_has_them(done: Path, data: dict[str, Any]) -> None:
    stored = {d["site"]["key"]: d for d in documents(done, "stabilities")}
    found = [site for site in data["sites"].values() if "stability" in site]
    assert len(found) == 2
    for site in found:
        known = stored[site["key"]]
        assert site["stability"]["verdict"]["value"] == known["verdict"]
        assert site["stability"]["formation_energy"]["value"] == pytest.approx(known["formation_energy"], abs=1e-6)
        terms = site["stability"]["formation_energy"]["terms"]
        assert sum(term[2] for term in terms) == pytest.approx(known["formation_energy"], abs=1e-5)
        assert all("value" in entry for entry in site["stability"].values())
    names = [column["name"] for column in data["columns"]]
    assert {"rank", "selectivity", "resting_state", "bond_mean", "stability", "formation_energy"} <= set(names)
    places = {entry["name"]: place for place, entry in enumerate(data["descriptors"])}
    for row in cells(data):
        own = data["sites"][row["site"]]["descriptors"]
        assert len(own) == len(places)
        assert own[places["bond_mean"]] == row["bond_mean"]


def test_each_site_says_where_it_comes_from(done: Path, data: dict[str, Any]) -> None:
    with Database.embedded(done / "atomsieve-data" / "atomsieve.sqlite") as database:
        for site in data["sites"].values():
            told = site["provenance"]
            assert told["method"] == data["campaign"]["methods"][0]["key"]
            if "clean" in told:
                assert told["versions"]["ase"]
                assert re.fullmatch(r"\d{4}-\d\d-\d\d( to .*)?", told["date"])
                assert database.known([told["clean"]])


def test_nothing_of_the_machine_or_the_person_is_in_it(done: Path, data: dict[str, Any]) -> None:
    text = json.dumps(data, ensure_ascii=False)
    for private in (SECRET, "mongodb://", str(done), str(Path.home()), socket.gethostname()):
        assert private not in text, private
    assert "host" not in {key for site in data["sites"].values() for key in site["provenance"]}
    assert str(os.getpid()) not in [
        str(value) for site in data["sites"].values() for value in site["provenance"].values()
    ]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("the weights /home/ann/w/mace.model do not know Po", "the weights mace.model do not know Po"),
        ("'/scratch/ann/gpaw.txt' has its course", "'gpaw.txt' has its course"),
        ("~/.config/atomate2.yaml", "atomate2.yaml"),
        ("cannot reach mongodb://ann:pw@db:27017/x now", "cannot reach (address) now"),
        ("https://ann:pw@host/x", "(address)"),
        ("doi 10.1021/jp047349j", "doi 10.1021/jp047349j"),
        ("https://doi.org/10.1021/jp047349j", "https://doi.org/10.1021/jp047349j"),
        ("0.05 eV/Å, 1/2 H2, NASA/TP-2002-211556", "0.05 eV/Å, 1/2 H2, NASA/TP-2002-211556"),
    ],
)
def test_paths_and_addresses_are_left_out_and_all_else_stays(text: str, left: str) -> None:
    assert discreet({"a": [text, 1, None]}) == {"a": [left, 1, None]}


def test_the_command_prints_the_data_and_writes_the_page(
    done: Path,
    data: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(done)
    monkeypatch.setenv("ATOMSIEVE_MONGODB_URI", uri())
    # plots have tests of their own
    monkeypatch.setattr(commands, "draw", lambda found, target: [])
    commands.report("sieve.yaml", tmp_path, as_json=True)
    printed = json.loads(capsys.readouterr().out)
    for told in (printed, same := json.loads(json.dumps(data))):
        del told["campaign"]["generated"]
    assert printed == same
    assert not list(tmp_path.iterdir())
    commands.report("sieve.yaml", tmp_path, as_json=False)
    assert capsys.readouterr().out.split() == [
        str(tmp_path / f"sieve{end}") for end in (".html", "-methods.md", ".bib")
    ]
    assert SECRET not in (tmp_path / "sieve.html").read_text(encoding="utf-8")


def test_a_site_takes_few_characters(data: dict[str, Any]) -> None:
    size = len(json.dumps(data["sites"], ensure_ascii=False, separators=(",", ":")).encode()) / len(data["sites"])
    # 19 atoms, up to five geometries
    assert size < 7000


# -- what was done -------------------------------------------------------------------------------------------------


def checked_of(folder: Path, **content: Any) -> CheckedCampaign:
    base = {"name": "made-up", "sites": [{"family": "graphene", "metals": ["Fe", "Co"]}], "reactions": ["ORR"]}
    return check(campaign_from_data({**base, **content}, "c.yaml"), "c.yaml", Folder(folder))


def written(folder: Path, **content: Any) -> dict[str, Any]:
    checked = checked_of(folder, **content)
    return report_data(checked, levels(checked, None), None)


GOLDEN: list[tuple[dict[str, Any], list[str], list[str]]] = [
    (
        {"method": {"calculator": "gfn1-xtb"}},
        [
            "Two active sites of Co and Fe (a metal in a vacancy of doped graphene) were screened for oxygen reduction "
            "to water (ORR; 4e, associative) [@norskov2004].",
            "the semiempirical tight-binding method GFN1-xTB [@grimme2017]",
            "an electronic temperature of 300 K, a spin-polarisation energy scaled by 1",
            "the BFGS optimiser of ASE [@larsen2017] until the largest force on an atom was below 0.05 eV/Å",
            "OOH* 0.4; O* 0.05; OH* 0.35 (eV) [@norskov2004]",
            "Conditions were pH 0, 298.15 K and U = 0 V vs RHE.",
            "Solvation was not treated.",
        ],
        ["Hubbard", "Stage", "stability of sites", "vibrations"],
    ),
    (
        {
            "method": {"calculator": "vasp", "settings": {"u": "mit", "solvent": "VASPsol water eps=78.4"}},
            "thermochemistry": {"corrections": "quasi-harmonic"},
            "conditions": {"pH": 13, "potential": -0.3, "scale": "SHE"},
            "stability": {},
        },
        [
            "VASP [@kresse1996] with the PBE functional [@perdew1996] and the D3(BJ) dispersion correction "
            "[@grimme2010; @grimme2011]",
            "a plane-wave cutoff of 500 eV",
            "PAW_PBE Fe 06Sep2000",
            "[@dudarev1998] was added for Co 3.4 eV and Fe 4 eV, from the table “high-throughput set of MIT” "
            "[@jain2011b; @wang2006]",
            "The solvent was implicit (VASPsol water eps=78.4) [@mathew2014].",
            "with displacements of 0.01 Å",
            "Modes below 100 cm⁻¹ were raised to it [@ribeiro2011].",
            "U = −0.3 V vs SHE, 0.47 V vs RHE",
            "a metal activity of 10⁻⁶ mol/kg",
            "Bulk energies of Co and Fe come from the free atom of the same method, less the experimental cohesive "
            "energy [@kittel2005].",
        ],
        ["Solvation was not treated", "rank candidates"],
    ),
    (
        {
            "method": {"calculator": "gfn1-xtb"},
            "single_point": {"calculator": "gpaw"},
            "prerelaxation": {"calculator": "gfn2-xtb", "keep": 1},
            "thermochemistry": {"corrections": "peterson", "solvation": "table"},
            "reactions": ["CO2RR-CO"],
        },
        [
            "Every start was first relaxed with GFN2-xTB [@bannwarth2019] until the largest force was below 0.1 eV/Å, "
            "and at most 1 distinct pose of each spin went on.",
            "Energies at the relaxed geometries were calculated with density functional theory as implemented in GPAW "
            "[@mortensen2024]",
            "COOH* ZPE 0.624, ∫Cp dT 0.096, −TS −0.178",
            "Tabulated solvation energies were added: COOH* −0.25; CO* −0.1 (eV) [@peterson2010].",
            "against CO2, H2 and H2O",
        ],
        ["Solvation was not treated"],
    ),
    (
        {
            "stages": [
                {"name": "cheap", "method": {"calculator": "chgnet"}, "where": ["overpotential of ORR < 0.8 V"]},
                {"name": "dear", "method": {"calculator": "cp2k"}, "thermochemistry": {"corrections": "none"}},
            ]
        },
        [
            "The sites passed through two stages in turn, cheap (CHGNet) and dear (CP2K).",
            "Stage cheap, which 2 sites entered, was done as follows.",
            "the machine-learned interatomic potential CHGNet [@deng2023]",
            "CHGNet does not distinguish spin states.",
            "No sites passed on (overpotential of ORR < 0.8 V).",
            "Relaxations started from the geometries of stage cheap.",
            "CP2K [@kuhne2020]",
            "In stage cheap, free energies at 298.15 K add tabulated corrections",
            "In stage dear, no zero-point, thermal or entropic terms were added",
        ],
        ["VASP"],
    ),
    (
        {
            "method": {"calculator": "vasp", "settings": {"functional": "BEEF-vdW", "dispersion": "none"}},
            "thermochemistry": {"gas_corrections": "studt"},
            "fingerprints": {"co_stretch": True},
            "spin": {"clean": 2, "adsorbed": "fixed"},
            "reactions": ["OER"],
            "conditions": {"activities": {"H2O2": 0.001}},
        },
        [
            "the BEEF-vdW functional [@wellendorff2012].",
            "Two spin states were relaxed for each clean site",
            "With an adsorbate, the spin state nearest to that of the clean site was relaxed.",
            "H2 +0.09 eV [@studt2013]",
            "U_L = max ΔG/e for oxidations",
            "Activities other than 1 were H2O2 0.001.",
            "The C–O stretch of carbon monoxide on a site is the measured fundamental of the gas",
        ],
        ["for reductions", "without a dispersion"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("content", "said", "unsaid"), GOLDEN, ids=["xtb", "vasp", "single-point", "stages", "beef"])
def test_the_methods_text_says_what_the_campaign_says(
    tmp_path: Path, content: dict[str, Any], said: list[str], unsaid: list[str]
) -> None:
    data = written(tmp_path, **content)
    text = data["methods_text"]
    for phrase in said:
        assert phrase in text, f"{phrase!r} is not in:\n{text}"
    for phrase in unsaid:
        assert phrase not in text, f"{phrase!r} is in:\n{text}"
    for paragraph in text.split("\n\n"):
        assert paragraph[0].isupper()
        assert paragraph.endswith(".")
        assert not re.search(r"  |\.\.|,,| ,| \.|\( |\bNone\b|\{|\}", paragraph), paragraph
    # all that is cited has an entry, and nothing else has
    cited = list(dict.fromkeys(re.findall(r"@([\w.-]+)", text)))
    assert [entry["key"] for entry in data["references"]] == cited
    assert sorted(Parser().parse_stream(io.StringIO(data["bibtex"])).entries.keys()) == sorted(cited)


def test_the_text_of_a_run_counts_what_was_run(done: Path, data: dict[str, Any]) -> None:
    text = data["methods_text"]
    with Database.embedded(done / "atomsieve-data" / "atomsieve.sqlite") as database:
        rows = [*database.adsorption_energies.query({}), *database.stabilities.query({})]
    considered = {entry["key"]: entry for row in rows for entry in row["considered"]}
    failed = sum(entry["status"] == "failed" for entry in considered.values())
    total = failed + sum(entry["status"] == "done" for entry in considered.values())
    assert f"In all, {total:,} calculations stand behind these results, of which {failed:,} gave no energy." in text
    assert "Five active sites of Co, Cu, Fe, Hg and Tc" in text
    assert (
        "Two sites passed on (verdict: bound; free energy of OH < 1.5 eV; top 2 by lowest free energy of OH)." in text
    )
    assert "The method was that of stage screen." in text
    assert "Of 5 sites" in text
    assert "This calculator is a pair potential that is shaped like chemistry: its numbers mean nothing." in text
    assert re.search(r"The versions of programs were ase \d", text)


def test_a_site_without_results_is_there_and_says_so(tmp_path: Path) -> None:
    data = written(tmp_path, method={"calculator": "mock"})
    assert [(row["site"], row["verdict"], row["undetermined"]) for row in cells(data)] == [
        (f"{metal}-N4@graphene-4x4", "no results", "not calculated yet") for metal in ("Fe", "Co")
    ]
    assert {site["structure"] for site in data["sites"].values()} == {None}
    assert "Of 2 sites, 0 have all results." in data["methods_text"]


def test_every_source_of_the_tables_can_be_cited() -> None:
    cite = Citations({})
    sources = [entry.source for entry in CALCULATORS.values() if entry.name != "mock"]
    sources += [
        str(r["source"]) for t in correction_tables().values() for r in (*t.adsorbates.values(), *t.solvation.values())
    ]
    sources += [table.source for table in (*gas_corrections().values(), *hubbard_tables().values())]
    sources += [reaction.source for reaction in reactions().values()]
    for source in sources:
        assert cite(source).startswith(" [@"), source
    parsed = Parser().parse_stream(io.StringIO(cite.bibtex))
    named = {doi.lower() for source in sources for doi in dois(source)}
    assert {entry.fields["doi"].lower() for entry in parsed.entries.values()} == named
    with pytest.raises(InputError, match="reference"):
        cite("hearsay")


def test_references_are_whole_and_bibtex_reads_them() -> None:
    parsed = Parser().parse_stream(io.StringIO("\n".join(entry.bibtex for entry in references().values())))
    assert list(parsed.entries.keys()) == list(references())
    for key, entry in parsed.entries.items():
        assert entry.persons["author"], key
        assert entry.fields["title"]
        if entry.type == "article":
            assert {"journal", "year", "pages", "doi"} <= set(entry.fields), key
            assert re.fullmatch(r"10\.\d{4,5}/\S+", entry.fields["doi"]), key
    of = references()["norskov2004"]
    assert of.text == (
        "J. K. Nørskov, J. Rossmeisl, A. Logadottir et al. Origin of the Overpotential for Oxygen Reduction at a "
        "Fuel-Cell Cathode. The Journal of Physical Chemistry B 108, 17886–17892, 2004. doi:10.1021/jp047349j"
    )
    assert len({entry.fields["doi"].lower() for entry in references().values() if "doi" in entry.fields}) == sum(
        "doi" in entry.fields for entry in references().values()
    )


def test_words_of_sentences() -> None:
    assert listed([]) == ""
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"], "or") == "a, b or c"
    assert [counted(n, "site") for n in (0, 1, 1000)] == ["0 sites", "1 site", "1,000 sites"]
    assert [number(x) for x in (300.0, -0.05, 1e-6, 3e-5, 298.15)] == ["300", "−0.05", "10⁻⁶", "3 × 10⁻⁵", "298.15"]
    source = "doi 10.1039/c0ee00071j; COH doi 10.1002/anie.201208320 (see 10.1016/0039-6028(96)00816-3)."
    assert dois(source) == ["10.1039/c0ee00071j", "10.1002/anie.201208320", "10.1016/0039-6028(96)00816-3"]
