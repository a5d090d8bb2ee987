"""Whole campaigns with the mock: from the file to the rows, through the command line."""

from __future__ import annotations

import csv
import io
import json
import random
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from atomsieve.analysis.database import Database
from atomsieve.structures.molecule import reference_amounts
from atomsieve.workflows.campaigns import load
from atomsieve.workflows.folder import Folder
from atomsieve.workflows.harvest import stored_rows
from atomsieve.workflows.plan import Planner
from atomsieve.workflows.settings import Settings
from atomsieve.workflows.turn import running

Cli = Callable[..., subprocess.CompletedProcess[str]]

SMALL = """\
name: small
sites:
  - family: graphene
    metals: [Fe, Hg, Ta, Tc, Cd]
  - family: porphine
    metals: [Co]
reactions: [ORR, OER, HER, ORR-2e]
method: {calculator: mock}
relaxation: {max_steps: 100}
poses: {most: 2}
"""


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, cli: Cli) -> Path:
    """Return a folder in which the small campaign has been run."""
    folder = tmp_path_factory.mktemp("small")
    (folder / "small.yaml").write_text(SMALL, encoding="utf-8")
    result = cli("run", "small.yaml", "--workers", "2", cwd=folder, NO_COLOR="1")
    assert result.returncode == 0, result.stdout + result.stderr
    (folder / "log").write_text(result.stdout, encoding="utf-8")
    return folder


def rows_of(folder: Path, cli: Cli, *arguments: str) -> list[dict[str, Any]]:
    result = cli("results", "small", "--json", *arguments, cwd=folder)
    assert result.returncode == 0, result.stderr
    rows: list[dict[str, Any]] = json.loads(result.stdout)
    return rows


def test_the_run_says_what_it_is_how_to_go_on_and_where_to_look(done: Path) -> None:
    log = (done / "log").read_text(encoding="utf-8")
    assert "stop it whenever you like; to go on: atomsieve run small.yaml" in log
    assert "6 of 6 sites complete" in log
    assert "mock: pre-screening, not predictive" in log
    assert "look further: atomsieve results small" in log
    for line in log.splitlines():
        if line.startswith("plot: "):
            assert Path(line.removeprefix("plot: ")).stat().st_size > 5000
    assert log.count("plot: ") == 16
    assert "\x1b" not in log


def test_every_verdict_is_found_from_geometry_and_shown_with_its_reason(done: Path, cli: Cli) -> None:
    rows = {row["site"]: row for row in rows_of(done, cli, "--reaction", "ORR")}
    assert len(rows) == 6
    verdicts = {
        site.split("-")[0]: {name: entry["verdict"] for name, entry in row["verdicts"].items()}
        for site, row in rows.items()
    }
    assert verdicts["Fe"] == {}
    assert verdicts["Co"] == {}
    assert set(verdicts["Hg"].values()) == {"desorbed"}
    assert verdicts["Ta"]["OOH"] == "dissociated"
    assert set(verdicts["Tc"].values()) == {"not converged"}
    assert verdicts["Cd"]["O"] == "metal left its site"
    for site, row in rows.items():
        bound = not row["verdicts"]
        assert (row["limiting_potential"] is not None) == bound, site
        assert bool(row["undetermined"]) != bound, site
        assert row["predictive"] is False
    assert "OOH*: dissociated" in rows["Ta-N4@graphene-4x4"]["undetermined"]


def test_spin_states_cross_where_the_mock_says_so(tmp_path: Path, cli: Cli) -> None:
    text = SMALL.replace("[Fe, Hg, Ta, Tc, Cd]", "[Fe, Ni]").replace("poses:", "spin: {clean: 3, adsorbed: 3}\nposes:")
    (tmp_path / "c.yaml").write_text(text, encoding="utf-8")
    assert cli("run", "c.yaml", cwd=tmp_path).returncode == 0
    with Database.embedded(tmp_path / "atomsieve-data" / "atomsieve.sqlite") as database:
        rows = {(r["site"]["metals"][0], r["adsorbate"]): r for r in database.adsorption_energies.query({})}
    assert rows["Ni", "O"]["multiplicity"] == {"clean": 1, "adsorbed": 3}
    assert rows["Fe", "O"]["multiplicity"] == {"clean": 3, "adsorbed": 3}


def test_a_row_can_be_redone_from_its_terms_and_the_stored_energies(done: Path) -> None:
    with Database.embedded(done / "atomsieve-data" / "atomsieve.sqlite") as database:
        energies = {d["key"]: d["energy"] for d in database.calculations.query({"status": "done"})}
        gases = {
            d["request"]["subject"]["molecule"]: d["energy"]
            for d in database.calculations.query({"request.task": "molecule"})
        }
        rows = list(database.adsorption_energies.query({"verdict": "bound"}))
    table = {"O": 0.05, "OH": 0.35, "OOH": 0.40, "H": 0.24}
    formula = {"O": {"O": 1}, "OH": {"O": 1, "H": 1}, "OOH": {"O": 2, "H": 1}, "H": {"H": 1}}
    assert len(rows) > 8
    for row in rows:
        amounts = reference_amounts(formula[row["adsorbate"]])
        expected = energies[row["calculations"]["adsorbed"]] - energies[row["calculations"]["clean"]]
        expected -= sum(number * gases[gas] for gas, number in amounts.items())
        assert row["electronic"] == pytest.approx(expected, abs=1e-9)
        assert row["free"] == pytest.approx(expected + table[row["adsorbate"]], abs=1e-9)
        assert sum(term["value"] for term in row["terms"]) == pytest.approx(row["free"], abs=1e-9)
        assert all(term["source"] for term in row["terms"])


def test_the_same_command_again_computes_nothing(done: Path, cli: Cli) -> None:
    starts = (done / "atomsieve-data" / "starts.log").read_text()
    result = cli("run", "small.yaml", cwd=done)
    assert result.returncode == 0
    assert "everything was there already; nothing was computed" in result.stdout
    assert (done / "atomsieve-data" / "starts.log").read_text() == starts


def test_no_calculation_is_begun_twice(done: Path) -> None:
    keys = [line.split()[1] for line in (done / "atomsieve-data" / "starts.log").read_text().splitlines()]
    assert len(keys) == len(set(keys)) > 60


def test_a_campaign_that_overlaps_computes_only_what_is_new(done: Path, tmp_path: Path, cli: Cli) -> None:
    shutil.copytree(done / "atomsieve-data", tmp_path / "atomsieve-data")
    other = SMALL.replace("name: small", "name: other").replace("[Fe, Hg, Ta, Tc, Cd]", "[Fe, Mn]").replace("OER, ", "")
    (tmp_path / "other.yaml").write_text(other, encoding="utf-8")
    before = (tmp_path / "atomsieve-data" / "starts.log").read_text().splitlines()
    assert cli("run", "other.yaml", cwd=tmp_path).returncode == 0
    after = (tmp_path / "atomsieve-data" / "starts.log").read_text().splitlines()
    new = {line.split()[1] for line in after[len(before) :]}
    with Database.embedded(tmp_path / "atomsieve-data" / "atomsieve.sqlite") as database:
        documents = database.known(new)
    assert new
    for document in documents.values():
        subject = document["request"]["subject"]
        assert "molecule" not in subject
        assert subject.get("metals", ["Mn"]) == ["Mn"]


def test_failures_are_tried_again_only_with_other_numerics(done: Path, tmp_path: Path, cli: Cli) -> None:
    shutil.copytree(done / "atomsieve-data", tmp_path / "atomsieve-data")
    (tmp_path / "small.yaml").write_text(SMALL.replace("max_steps: 100", "max_steps: 120"), encoding="utf-8")
    before = len((tmp_path / "atomsieve-data" / "starts.log").read_text().splitlines())
    assert cli("run", "small.yaml", cwd=tmp_path).returncode == 0
    again = (tmp_path / "atomsieve-data" / "starts.log").read_text().splitlines()[before:]
    with Database.embedded(tmp_path / "atomsieve-data" / "atomsieve.sqlite") as database:
        documents = database.known(line.split()[1] for line in again)
        failed = database.calculations.count({"status": "failed"})
    assert len(again) == failed > 0
    assert all(document["provenance"]["numerics"]["max_steps"] == 120 for document in documents.values())
    assert all("after 120 steps" in document["text"] for document in documents.values())


def test_results_are_filtered_sorted_and_exported(done: Path, cli: Cli) -> None:
    rows = rows_of(done, cli)
    assert len(rows) == 6 * 4
    assert Counter(row["reaction"] for row in rows) == {"ORR": 6, "OER": 6, "HER": 6, "ORR-2e": 6}
    fe = rows_of(done, cli, "--metal", "Fe", "--reaction", "ORR")
    assert [row["site"] for row in fe] == ["Fe-N4@graphene-4x4"]
    ordered = rows_of(done, cli, "--reaction", "ORR", "--sort", "overpotential")
    known = [row["overpotential"] for row in ordered if row["overpotential"] is not None]
    assert known == sorted(known)
    assert [row["overpotential"] for row in ordered[len(known) :]] == [None] * (6 - len(known))
    assert len(rows_of(done, cli, "--top", "3")) == 3
    text = cli("results", "small", "--csv", "--reaction", "ORR", cwd=done).stdout
    table = list(csv.reader(io.StringIO(text)))
    assert len(table) == 7
    assert "U_L (V vs RHE)" in table[0]
    wrong = cli("results", "small", "--sort", "overpotental", cwd=done)
    assert wrong.returncode == 2
    assert "did you mean 'overpotential'?" in wrong.stderr


def test_status_and_plan_tell_what_is_done(done: Path, tmp_path: Path, cli: Cli) -> None:
    state = json.loads(cli("status", "small", "--json", cwd=done).stdout)
    assert (state["sites"], state["complete"], state["running"]) == (6, 6, False)
    with Database.embedded(done / "atomsieve-data" / "atomsieve.sqlite") as database:
        stored = database.calculations.count({"request.task": {"$ne": "molecule"}})
        failed = database.calculations.count({"status": "failed"})
    gases = 2
    assert state["calculations"] == {"done": stored + gases - failed, "failed": failed}
    plan = json.loads(cli("plan", "small.yaml", "--json", cwd=done).stdout)
    assert plan["complete"] == 6
    assert sum(count["most"] for count in plan["counts"].values()) == 0
    assert sum(count["stored"] for count in plan["counts"].values()) == stored + gases

    (tmp_path / "small.yaml").write_text(SMALL, encoding="utf-8")
    fresh = json.loads(cli("plan", "small.yaml", "--json", cwd=tmp_path).stdout)
    assert fresh["complete"] == 0
    least, most = (sum(count[name] for count in fresh["counts"].values()) for name in ("least", "most"))
    assert least <= stored + gases <= most
    # looking makes nothing
    assert sorted(path.name for path in tmp_path.iterdir()) == ["small.yaml"]


def test_a_site_that_is_half_done_is_planned_from_its_relaxed_geometry(done: Path, tmp_path: Path, cli: Cli) -> None:
    shutil.copytree(done / "atomsieve-data", tmp_path / "atomsieve-data")
    (tmp_path / "small.yaml").write_text(SMALL, encoding="utf-8")
    with Database.embedded(tmp_path / "atomsieve-data" / "atomsieve.sqlite") as database:
        total = database.calculations.count({})
        row = database.adsorption_energies.query_one({"site.metals": "Fe", "adsorbate": "OOH"})
        assert row is not None
        database.adsorption_energies.remove_docs({"site.metals": "Fe"})
        database.calculations.remove_docs({"key": row["calculations"]["adsorbed"]})
    plan = json.loads(cli("plan", "small.yaml", "--json", cwd=tmp_path).stdout)
    assert plan["complete"] == 5
    assert (plan["counts"]["adsorbed"]["least"], plan["counts"]["adsorbed"]["most"]) == (1, 1)
    assert sum(count["stored"] for count in plan["counts"].values()) == total - 1


def test_the_keys_of_a_plan_are_those_of_the_run(done: Path) -> None:
    checked = load(done / "small.yaml", Settings(folder=done / "atomsieve-data"))
    planned = [(request, certain) for _, request, certain in Planner(checked, None).requests()]
    with Database.embedded(done / "atomsieve-data" / "atomsieve.sqlite") as database:
        ran = {document["key"] for document in database.calculations.query({}, ["key"])}
    assert {request.key for request, certain in planned if certain} <= ran
    assert ran <= {request.key for request, _ in planned}


def test_plan_writes_pictures_and_structures(tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "small.yaml").write_text(SMALL.replace("[Fe, Hg, Ta, Tc, Cd]", "[Fe]"), encoding="utf-8")
    result = cli("plan", "small.yaml", "--pictures", "p", "--structures", "s", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert {path.name for path in (tmp_path / "p").iterdir()} == {"Fe-N4_graphene-4x4.png", "Co-porphine.png"}
    from ase.io import read

    assert len(read(tmp_path / "s" / "Fe-N4_graphene-4x4.xyz")) == 31
    keys = cli("plan", "small.yaml", "--keys", cwd=tmp_path).stdout.splitlines()
    assert len(keys) > 20
    assert all(len(line.split()[0]) == 64 for line in keys)


def test_a_second_run_of_the_same_campaign_is_refused(done: Path, cli: Cli) -> None:
    with running(Folder(done / "atomsieve-data"), "small"):
        assert json.loads(cli("status", "small", "--json", cwd=done).stdout)["running"] is True
        result = cli("run", "small.yaml", cwd=done)
    assert result.returncode == 2
    assert "is running already" in result.stderr


def test_names_that_nothing_has(tmp_path: Path, done: Path, cli: Cli) -> None:
    for folder, said in ((tmp_path, "neither such a file nor a database"), (done, "did you mean 'small'?")):
        result = cli("results", "smal", cwd=folder)
        assert result.returncode == 2
        assert said in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_another_potential_or_ph_needs_no_new_calculation(done: Path, tmp_path: Path, cli: Cli) -> None:
    shutil.copytree(done / "atomsieve-data", tmp_path / "atomsieve-data")
    text = SMALL + "conditions: {pH: 13, potential: 0.1, scale: SHE}\n"
    (tmp_path / "small.yaml").write_text(text, encoding="utf-8")
    starts = (tmp_path / "atomsieve-data" / "starts.log").read_text()
    assert cli("run", "small.yaml", cwd=tmp_path).returncode == 0
    assert (tmp_path / "atomsieve-data" / "starts.log").read_text() == starts
    with Database.embedded(tmp_path / "atomsieve-data" / "atomsieve.sqlite") as database:
        criteria = {"site.metals": "Fe", "reaction": "ORR", "superseded": False}
        both = sorted(database.reaction_results.query(criteria), key=lambda d: d["conditions"]["pH"])
    assert [entry["conditions"]["potential_rhe"] for entry in both] == pytest.approx(
        [0.0, 0.1 + 13 * 0.05916], abs=1e-4
    )
    assert both[0]["limiting_potential"] == both[1]["limiting_potential"]
    shift = both[1]["conditions"]["potential_rhe"]
    for before, after in zip(both[0]["steps"], both[1]["steps"], strict=True):
        assert after["free"] - before["free"] == pytest.approx(after["electrons"] * shift, abs=1e-9)


def current(folder: Path, **criteria: Any) -> list[tuple[Any, ...]]:
    """Return spin starts, solvation and adsorbate of the rows that are not superseded, and of their potentials."""
    with Database.embedded(folder / "atomsieve-data" / "atomsieve.sqlite") as database:
        rows = {row["key"]: row for row in database.adsorption_energies.query({"site.metals": "Fe"})}
        potentials = list(database.reaction_results.query({"site.metals": "Fe", "reaction": "HER"}))
    for entry in potentials:
        assert entry["superseded"] == any(rows[key]["superseded"] for key in entry["adsorption_energies"].values())
    wanted = [row for row in rows.values() if row["adsorbate"] == "H" and not row["superseded"]]
    return sorted((str(row["policy"]["spin"]["clean"]), row["policy"]["solvation"]) for row in wanted)


def test_the_row_that_more_stands_behind_is_current_whatever_the_order(done: Path, tmp_path: Path, cli: Cli) -> None:
    shutil.copytree(done / "atomsieve-data", tmp_path / "atomsieve-data")
    base = SMALL.replace("[Fe, Hg, Ta, Tc, Cd]", "[Fe]").replace("ORR, OER, HER, ORR-2e", "HER")
    files = {
        "wide": base.replace("poses:", "spin: {clean: 3}\nposes:"),
        "narrow": base.replace("poses:", "spin: {clean: 1}\nposes:"),
        "wet": base + "thermochemistry: {solvation: table}\n",
    }
    seen = []
    for name in ("wide", "narrow", "wet", "wide"):
        (tmp_path / f"{name}.yaml").write_text(files[name].replace("name: small", f"name: {name}"), encoding="utf-8")
        assert cli("run", f"{name}.yaml", cwd=tmp_path).returncode == 0
        seen.append(current(tmp_path))
    assert seen[0] == seen[1] == [("3", "none")]
    # a sensitivity is another number, not a newer one
    assert seen[2] == seen[3] == [("3", "none"), ("scan", "table")]
    with Database.embedded(tmp_path / "atomsieve-data" / "atomsieve.sqlite") as database:
        small = load(done / "small.yaml", Settings(folder=tmp_path / "atomsieve-data"))
        assert all(len(site.rows) == 4 for site in stored_rows(small, database))


IMPATIENT = """\
name: impatient
sites:
  - {family: graphene, metals: [Fe, Co, Mn, Cu, V, Ru]}
reactions: [ORR]
method: {calculator: mock}
relaxation: {max_steps: 12, ladder: false}
poses: {most: 1}
"""


def test_what_failed_and_then_succeeds_takes_the_place_of_the_failure(tmp_path: Path, cli: Cli) -> None:
    def table() -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = json.loads(cli("results", "impatient", "--json", cwd=tmp_path).stdout)
        return rows

    def run(text: str, name: str) -> None:
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
        result = cli("run", f"{name}.yaml", cwd=tmp_path)
        assert result.returncode == 0, result.stderr

    run(IMPATIENT, "impatient")
    assert all(row["limiting_potential"] is None for row in table())
    patient = IMPATIENT.replace("max_steps: 12", "max_steps: 300")
    # somebody else makes the clean sites succeed first, which must not pass for our being complete
    run(patient.replace("impatient", "other").replace("[ORR]", "[HER]"), "other")
    (tmp_path / "impatient.yaml").write_text(patient, encoding="utf-8")
    assert json.loads(cli("plan", "impatient.yaml", "--json", cwd=tmp_path).stdout)["counts"]["adsorbed"]["most"] > 0
    run(patient, "impatient")
    assert all(row["limiting_potential"] is not None for row in table()), table()
    with Database.embedded(tmp_path / "atomsieve-data" / "atomsieve.sqlite") as database:
        rows = [row for row in database.adsorption_energies.query({"superseded": False}) if row["adsorbate"] != "H"]
    assert len(rows) == 6 * 3
    assert {row["verdict"] for row in rows} == {"bound"}
    starts = (tmp_path / "atomsieve-data" / "starts.log").read_text()
    # back and forth between settings that have been tried: nothing is computed again
    run(IMPATIENT, "impatient")
    run(patient, "impatient")
    assert (tmp_path / "atomsieve-data" / "starts.log").read_text() == starts


def test_what_a_person_may_get_wrong_is_said_without_a_traceback(tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "small.yaml").write_text(SMALL.replace("[Fe, Hg, Ta, Tc, Cd]", "[Fe]"), encoding="utf-8")
    (tmp_path / "nan.yaml").write_text(
        SMALL.replace("mock", "gfn1-xtb, settings: {electronic_temperature: .nan}"), encoding="utf-8"
    )
    (tmp_path / "twice.yaml").write_text(SMALL.replace("[ORR, OER, HER, ORR-2e]", "[HER, HER]"), encoding="utf-8")
    (tmp_path / "file").write_text("not a folder")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "atomsieve.sqlite").write_text("this is no database, but long enough to look like one" * 40)
    tries: list[tuple[tuple[str, ...], dict[str, str], str]] = [
        (("run", "small.yaml"), {"ATOMSIEVE_WORKERS": "zero"}, "ATOMSIEVE_WORKERS is 'zero'"),
        (("run", "small.yaml"), {"ATOMSIEVE_FOLDER": "file"}, "file"),
        (("status", "small.yaml"), {"ATOMSIEVE_FOLDER": "broken"}, "cannot be opened"),
        (("plan", "small.yaml", "--pictures", "file"), {}, "file"),
        (("plan", "nan.yaml"), {}, "method.settings.electronic_temperature: nan is not allowed"),
        (("plan", "twice.yaml"), {}, "reactions[1]: 'HER' is named twice; keep one"),
        (("run", "small.yaml"), {"ATOMSIEVE_MONGODB_URI": "mongodb://a:b@host:port/"}, "the URI is malformed"),
        (("run", "small.yaml"), {"ATOMSIEVE_MONGODB_URI": "mongodb://a:p@s@host/"}, "the URI is malformed"),
        (("run", "absent.yaml"), {}, "there is no campaign file absent.yaml"),
        (("results", "small.yaml", "--verdict", "gone"), {}, "unknown verdict 'gone'"),
        (("new", "a/b"), {}, "is not a name"),
    ]
    for command, environment, said in tries:
        result = cli(*command, cwd=tmp_path, **environment)
        # a database that is there and cannot be opened may be mended without the command
        wanted = 3 if said == "cannot be opened" else 2
        assert result.returncode == wanted, (command, result.stdout, result.stderr)
        assert said in result.stderr, (command, result.stderr)
        assert result.stderr.startswith("error: ")
        assert "Traceback" not in result.stderr


def test_results_outlive_the_database_and_the_disk(done: Path, tmp_path: Path, cli: Cli) -> None:
    """Whichever of the two is lost, nothing is computed again."""
    for lost in ("atomsieve.sqlite", "results"):
        folder = tmp_path / lost
        shutil.copytree(done / "atomsieve-data", folder / "atomsieve-data")
        text = SMALL if lost == "atomsieve.sqlite" else SMALL + "adsorbates: [O]\n"
        (folder / "small.yaml").write_text(text, encoding="utf-8")
        target = folder / "atomsieve-data" / lost
        if target.is_dir():
            shutil.rmtree(target)
            with Database.embedded(folder / "atomsieve-data" / "atomsieve.sqlite") as database:
                database.adsorption_energies.remove_docs({})
        else:
            for path in target.parent.glob("atomsieve.sqlite*"):
                path.unlink()
        starts = (folder / "atomsieve-data" / "starts.log").read_text()
        result = cli("run", "small.yaml", cwd=folder)
        assert result.returncode == 0, result.stderr
        assert (folder / "atomsieve-data" / "starts.log").read_text() == starts
        assert rows_of(folder, cli) == rows_of(done, cli)


@pytest.mark.slow
def test_ten_thousand_calculations(tmp_path: Path, cli: Cli) -> None:
    metals = "Sc, Ti, V, Cr, Mn, Fe, Co, Ni, Cu, Zn, Y, Zr, Nb, Mo, Ru, Rh, Pd, Ag, Hf, W, Re, Os, Ir, Pt, Au"
    text = f"""\
name: large
sites:
  - family: graphene
    metals: [{metals}]
    coordination: [N4, N3C1, N2C2, N3]
    supercell: [3x3, 3x4, 4x4, 3x5, 4x5, 5x5, 3x6]
reactions: [ORR, OER, HER]
method: {{calculator: mock}}
relaxation: {{optimizer: LBFGS}}
poses: {{most: 1}}
"""
    (tmp_path / "large.yaml").write_text(text, encoding="utf-8")
    result = cli("run", "large.yaml", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    state = json.loads(cli("status", "large", "--json", cwd=tmp_path).stdout)
    assert state["complete"] == state["sites"] == 25 * 6 * 7
    assert sum(state["calculations"].values()) > 10_000
    keys = [line.split()[1] for line in (tmp_path / "atomsieve-data" / "starts.log").read_text().splitlines()]
    assert len(keys) == len(set(keys))

    # a hundred keys of the plan are those of the run, and a hundred of the run those of the plan
    checked = load(tmp_path / "large.yaml", Settings(folder=tmp_path / "atomsieve-data"))
    planned = [(request.key, certain) for _, request, certain in Planner(checked, None).requests()]
    rng = random.Random(3)
    assert set(rng.sample([key for key, certain in planned if certain], 100)) <= set(keys)
    assert set(rng.sample(keys, 100)) <= {key for key, _ in planned}
