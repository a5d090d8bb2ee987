"""Campaigns with stages: what may be written, which sites go on, from where, and what is shown of it."""

from __future__ import annotations

import csv
import io
import json
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from atomsieve.analysis.database import Database
from atomsieve.structures.errors import CampaignError
from atomsieve.structures.site import atoms_from_dict
from atomsieve.workflows.campaigns import load
from atomsieve.workflows.checked import CheckedCampaign
from atomsieve.workflows.funnel import levels
from atomsieve.workflows.harvest import is_complete
from atomsieve.workflows.plan import Planner
from atomsieve.workflows.runner import Runner
from atomsieve.workflows.settings import Settings
from atomsieve.workflows.stageplan import StagePlan, plan_stages
from atomsieve.workflows.watch import Summary, Watch

from .processes import wait_until_alone

Cli = Callable[..., subprocess.CompletedProcess[str]]

SIEVE = """\
name: sieve
sites:
  - {family: graphene, metals: [Mn, Fe, Co, Cu, Hg], supercell: 3x3}
reactions: [ORR, HER]
relaxation: {max_steps: 100}
poses: {most: 1}
spin: {clean: 2}
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
"""


def read(text: str, folder: Path) -> CheckedCampaign:
    path = folder / "sieve.yaml"
    path.write_text(text, encoding="utf-8")
    return load(path, Settings(folder=folder / "atomsieve-data"))


class Heard(Watch):
    """Keeps what passed."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, int, int]] = []

    def passed(self, stage: CheckedCampaign, sifted: Any) -> None:
        assert stage.stage is not None
        self.seen.append((stage.stage.name, sifted.entered, len(sifted.passed)))


def run(checked: CheckedCampaign) -> tuple[Summary, list[tuple[str, int, int]]]:
    watch = Heard()
    with Database.embedded(checked.folder.database) as database:
        return Runner(checked, database, 2, watch).run(), watch.seen


def starts(folder: Path) -> list[str]:
    return [line.split()[1] for line in (folder / "atomsieve-data" / "starts.log").read_text().splitlines()]


def plans(checked: CheckedCampaign) -> list[StagePlan]:
    if not checked.folder.database.exists():
        return list(plan_stages(checked, None))
    with Database.embedded(checked.folder.database) as database:
        return list(plan_stages(checked, database))


# what is wrong, the text that replaces a part of the good file, and the message it must give
MALFORMED = [
    (
        "stages:",
        "method: {calculator: mock}\nstages:",
        "method: is stated, and so are stages, which have a method each; keep one of the two",
    ),
    ("- name: refine", "- name: screen", "stages[1].name: 'screen' is the name of an earlier stage"),
    ("    verdict: bound", "    verdicts: bound", "stages[0].verdicts: unknown key 'verdicts' (did you mean 'verdict'"),
    ("    verdict: bound", "    verdict: bond", "stages[0].verdict: unknown verdict 'bond' (did you mean 'bound'?)"),
    ("free energy of OH < 1.5", "cohesive energy < 0", "stages[0].where[0]: unknown quantity 'cohesive energy'"),
    (
        "free energy of OH < 1.5",
        "[metal is Fe, free energy of O < 1.5]",
        "stages[0].where[1]: unknown adsorbate 'O' (did you mean 'OH'?); allowed: OH (what this stage computes)",
    ),
    ("by lowest free", "by free", "stages[0].keep: 'free energy' has no best end"),
    ("keep: top 2 by lowest free energy of OH", "keep: 20", "stages[0].keep: 20 is not allowed"),
    ("adsorbates: [OH]", "adsorbates: [CO]", "stages[0].adsorbates[0]: unknown adsorbate 'CO'"),
    ("adsorbates: [OH]", "reactions: [OER]", "stages[0].reactions[0]: unknown reaction 'OER'"),
    ("adsorbates: [OH]", "adsorbates: []", "stages[0].reactions: is empty, and so is adsorbates"),
    ("{fmax: 0.1}", "{fmax: 3}", "stages[0].relaxation.fmax: 3 is out of range; allowed: <= 0.5"),
    ("{fmax: 0.1}", "{fmx: 0.1}", "stages[0].relaxation.fmx: unknown key 'fmx' (did you mean 'fmax'?)"),
    ("spin: {clean: 1}", "spin: {clean: 9}", "stages[0].spin.clean: 9 is not allowed; allowed: 'scan', 'fixed'"),
    (
        "name: refine\n    method: {calculator: mock}",
        "name: refine\n    method: {calculator: emt}",
        "sites[0].metals[0]: emt does not know 'Mn'",
    ),
    ("{calculator: mock}", "{calculator: moc}", "stages[0].method.calculator: unknown calculator 'moc'"),
    (
        "name: refine\n",
        "name: refine\n    prerelaxation: {calculator: mock}\n",
        "stages[1].prerelaxation: only the first stage has one",
    ),
    (
        "name: refine\n",
        "name: refine\n    thermochemistry: {corrections: peterson}\n",
        "stages[1].thermochemistry.corrections: 'peterson' has no value for OOH",
    ),
    ("name: refine\n    method", "name: refine\n    methods", "stages[1].methods: unknown key 'methods'"),
]


@pytest.mark.parametrize(("old", "new", "message"), MALFORMED, ids=[message[:40] for *_, message in MALFORMED])
def test_a_mistake_is_named_with_its_place(old: str, new: str, message: str, tmp_path: Path) -> None:
    assert old in SIEVE
    with pytest.raises(CampaignError) as caught:
        read(SIEVE.replace(old, new, 1), tmp_path)
    lines = [line.partition("sieve.yaml: ")[2] for line in str(caught.value).splitlines()]
    assert any(line.startswith(message) for line in lines), lines


def test_conditions_may_be_a_text_a_list_or_pairs(tmp_path: Path) -> None:
    pairs = "where: [free energy of OH < 1.5, {metal: [Fe, Co], verdict of OH: bound}]"
    stage = read(SIEVE.replace("where: free energy of OH < 1.5", pairs), tmp_path).stages[0]
    assert str(stage.criteria) == (
        "verdict: bound; free energy of OH < 1.5 eV; metal: Fe or Co; verdict of OH: bound; "
        "top 2 by lowest free energy of OH"
    )


def test_a_stage_is_the_campaign_with_what_it_states(tmp_path: Path) -> None:
    screen, refine = read(SIEVE, tmp_path).stages
    assert screen.campaign.all_adsorbates == ("OH",)
    assert refine.campaign.reactions == ["ORR", "HER"]
    # of a section only what is stated is replaced
    assert (screen.campaign.relaxation.fmax, screen.campaign.relaxation.max_steps) == (0.1, 100)
    assert (refine.campaign.relaxation.fmax, refine.campaign.spin.clean) == (0.05, 2)
    assert (screen.origin, refine.origin) == (None, screen)
    plain = (
        SIEVE[: SIEVE.index("stages:")].replace("[ORR, HER]", "[]\nadsorbates: [OH]").replace("clean: 2", "clean: 1")
    )
    alone = read(plain.replace("100}", "100, fmax: 0.1}") + "method: {calculator: mock}\n", tmp_path)
    recipe = next(alone.recipes())
    # the first stage is what the same campaign without stages is
    assert screen.policy_keys(recipe) == alone.policy_keys(recipe)


def test_rows_that_were_carried_on_are_told_from_others_before_anything_runs(tmp_path: Path) -> None:
    screen, refine = read(SIEVE, tmp_path).stages
    plain = SIEVE[: SIEVE.index("stages:")] + "method: {calculator: mock}\n"
    scratch = read(plain, tmp_path)
    recipe = next(scratch.recipes())
    assert set(refine.policy_keys(recipe).values()).isdisjoint(scratch.policy_keys(recipe).values())
    before = {name: selection["before"] for name, selection in refine.selections.items()}
    assert before["OH"] == {
        "method": screen.policy.method.key,
        "fmax": 0.1,
        "spin": {"clean": 1, "adsorbed": "inherit"},
    }
    # poses of what the first stage did not compute stand on a clean site that was carried on
    assert before["O"] == {**before["OH"], "states": "clean"}
    wider = read(SIEVE.replace("adsorbates: [OH]", "adsorbates: [OH]\n    poses: {most: 3}"), tmp_path).stages[1]
    assert wider.selections["OH"]["before"]["poses"]["most"] == 3


def test_a_stage_that_relaxes_as_the_one_before_goes_on_with_its_calculations(tmp_path: Path) -> None:
    """A third stage too: it starts where the second did."""
    same = SIEVE.replace("    relaxation: {fmax: 0.1}\n    spin: {clean: 1}\n", "")
    screen, refine = read(same, tmp_path).stages
    assert (screen.origin, refine.origin) == (None, None)
    third = SIEVE + "  - {name: third, method: {calculator: mock}, reactions: [HER]}\n"
    _, refine, third_stage = read(third, tmp_path).stages
    assert third_stage.origin is refine.origin
    recipe = next(refine.recipes())
    assert third_stage.policy_keys(recipe)["H"] == refine.policy_keys(recipe)["H"]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, cli: Cli) -> Path:
    """Return a folder in which the sieve has been run."""
    folder = tmp_path_factory.mktemp("sieve")
    (folder / "sieve.yaml").write_text(SIEVE, encoding="utf-8")
    result = cli("run", "sieve.yaml", "--workers", "2", cwd=folder, NO_COLOR="1")
    assert result.returncode == 0, result.stdout + result.stderr
    (folder / "log").write_text(result.stdout, encoding="utf-8")
    return folder


def test_a_run_says_how_many_pass_and_who_falls_out_why(done: Path) -> None:
    log = (done / "log").read_text(encoding="utf-8")
    wanted = "(verdict: bound; free energy of OH < 1.5 eV; top 2 by lowest free energy of OH)"
    assert f"stage screen: 2 of 5 sites pass {wanted}, 3 fall out" in log
    assert "stage refine: 2 sites, mock" in log
    assert "7 of 7 sites complete" in log
    assert "sieve, stage refine" in log
    table = log[log.index("fell out") :]
    for said in (
        "OH*: desorbed",
        "wanted: verdict: bound",
        "place 3 of 3; wanted: top 2 by",
        "wanted: free energy of OH",
    ):
        assert said in table
    assert log.count("plot: ") == 8


def test_survivors_are_those_of_an_independent_sum(done: Path, cli: Cli) -> None:
    rows = json.loads(cli("results", "sieve", "--json", cwd=done).stdout)
    with Database.embedded(done / "atomsieve-data" / "atomsieve.sqlite") as database:
        stored = [
            row for row in database.adsorption_energies.query({"adsorbate": "OH"}) if "before" not in row["policy"]
        ]
    energies = {row["site"]["label"]: row["free"] for row in stored}
    assert len(energies) == 5
    bound = sorted((value, site) for site, value in energies.items() if value is not None and value < 1.5)
    survivors = {site for _, site in bound[:2]}
    assert {row["site"] for row in rows if row["rejected"] is None} == survivors
    assert {row["stage"] for row in rows if row["site"] in survivors} == {"refine"}
    fallen = [row for row in rows if row["rejected"] is not None]
    assert {row["site"] for row in fallen} == energies.keys() - survivors
    assert {row["stage"] for row in fallen} == {"screen"}
    assert all(row["free_O"] is None for row in fallen)
    # what is still in comes first
    assert [row["rejected"] is None for row in rows] == sorted((row["rejected"] is None for row in rows), reverse=True)


def test_results_are_exported_with_stage_and_reason(done: Path, cli: Cli) -> None:
    table = list(csv.DictReader(io.StringIO(cli("results", "sieve", "--csv", cwd=done).stdout)))
    assert Counter(row["stage"] for row in table) == {"refine": 4, "screen": 3}
    assert all((row["rejected"] == "") == (row["stage"] == "refine") for row in table)
    state = json.loads(cli("status", "sieve", "--json", cwd=done).stdout)
    assert (state["sites"], state["complete"]) == (5, 5)
    assert [(entry["stage"], entry["entered"], entry["passed"], entry["rejected"]) for entry in state["stages"]] == [
        ("screen", 5, 2, 3),
        ("refine", 2, 2, 0),
    ]


@pytest.mark.slow
def test_the_commands_show_the_same_to_people(done: Path, tmp_path: Path, cli: Cli) -> None:
    assert "stage screen: 2 of 5 sites pass" in cli("status", "sieve", cwd=done).stdout
    assert "fell out" in cli("results", "sieve", "--metal", "Hg", cwd=done).stdout
    written = cli("report", "sieve", "--output", str(tmp_path / "plots"), cwd=done).stdout.splitlines()
    assert sorted(map(Path, written)) == sorted((tmp_path / "plots").iterdir())
    assert tmp_path / "plots" / "sieve.html" in map(Path, written)
    (tmp_path / "sieve.yaml").write_text(SIEVE, encoding="utf-8")
    text = cli("plan", "sieve.yaml", cwd=tmp_path).stdout
    assert "stage 1 of 2, screen: 5 sites, 0 complete; mock" in text
    assert "stage 2 of 2, refine: at most 2 sites" in text


def test_later_relaxations_start_where_the_earlier_ones_ended(done: Path) -> None:
    checked = load(done / "sieve.yaml", Settings(folder=done / "atomsieve-data"))
    with Database.embedded(checked.folder.database) as database:
        (_, before, _), (_, sites, _) = levels(checked, database)
        known = {document["key"]: document for document in database.calculations.query({})}
    assert len(sites) == 2
    by_site = {next(iter(site.rows.values())).site.key: site for site in before}
    for site in sites:
        row = site.rows["OH"]
        earlier = by_site[row.site.key].rows["OH"]
        clean = [entry["key"] for entry in earlier.considered if entry["role"] == "clean"]
        poses = [entry["key"] for entry in earlier.considered if entry["role"] == "adsorbed"]
        assert row.carried == tuple(sorted([*clean, *poses]))
        for entry in row.considered:
            parents = known[entry["key"]]["request"]["parents"]
            if entry["role"] == "clean":
                assert set(parents) <= set(clean)
            elif entry["role"] == "adsorbed":
                start, pose = parents
                assert start == row.calculations["clean"]
                assert pose in poses
                # nothing is placed again: the relaxation went on from the pose, displaced by at most 0.03 Å an axis
                moved = atoms_from_dict(known[entry["key"]]["atoms"]).positions
                moved -= atoms_from_dict(known[pose]["atoms"]).positions
                assert abs(moved).max() < 0.25
        # the second stage alone computed O; its poses stand on the clean site
        for entry in site.rows["O"].considered:
            if entry["role"] == "adsorbed":
                assert known[entry["key"]]["request"]["parents"] == [row.calculations["clean"]]


def test_the_same_command_again_computes_nothing(done: Path) -> None:
    before = starts(done)
    assert len(before) == len(set(before))
    summary, seen = run(load(done / "sieve.yaml", Settings(folder=done / "atomsieve-data")))
    assert seen == [("screen", 5, 2), ("refine", 2, 2)]
    assert (summary.stored, summary.sites, summary.entered, summary.computed) == (7, 7, 7, 0)
    assert starts(done) == before


def test_the_funnel_of_a_plan_holds_what_ran(done: Path, tmp_path: Path, cli: Cli) -> None:
    fresh = plans(read(SIEVE, tmp_path))
    assert [entry.entering for entry in fresh] == [(5, 5), (0, 2)]
    finished = json.loads(cli("plan", "sieve.yaml", "--json", cwd=done).stdout)["stages"]
    assert [entry["entering"] for entry in finished] == [[5, 5], [2, 2]]
    assert sum(count["most"] for entry in finished for count in entry["plan"]["counts"].values()) == 0
    stored = [{kind: count["stored"] for kind, count in entry["plan"]["counts"].items()} for entry in finished]
    assert sum(sum(counts.values()) for counts in stored) == len(starts(done))
    for entry, counts in zip(fresh, stored, strict=True):
        for kind, count in entry.plan.counts.items():
            assert count.least <= counts[kind] <= count.most, (entry.stage, kind)
    # of the first stage all is known but the poses; of the second no more than that two sites may enter
    assert fresh[0].plan.counts["clean"].least == fresh[0].plan.counts["clean"].most == 5
    assert (fresh[1].plan.counts["clean"].least, fresh[1].plan.counts["clean"].most) == (0, 4)
    keys = {line.split()[0] for line in cli("plan", "sieve.yaml", "--keys", cwd=done).stdout.splitlines()}
    first = set(starts(done)[: sum(stored[0].values())])
    assert first <= keys


def test_a_plan_between_two_stages_is_exact_about_who_enters(done: Path, tmp_path: Path) -> None:
    shutil.copytree(done / "atomsieve-data", tmp_path / "atomsieve-data")
    checked = read(SIEVE, tmp_path)
    refine = checked.stages[1]
    with Database.embedded(checked.folder.database) as database:
        database.adsorption_energies.remove_docs({"method.key": refine.policy.method.key, "policy.fmax": 0.05})
        database.calculations.remove_docs({"request.fmax": 0.05})
    screen, second = plans(checked)
    assert (screen.plan.complete, second.entering, second.plan.complete) == (5, (2, 2), 0)
    counts = second.plan.counts
    assert counts["clean"].least == counts["clean"].most == 4
    # on disk, though not in the database: found done, and the same numbers as before
    before = starts(tmp_path)
    summary, _ = run(checked)
    assert summary.computed == 0
    assert starts(tmp_path) == before
    ran = summary.reused
    assert sum(count.least for count in counts.values()) <= ran <= sum(count.most for count in counts.values())


def test_a_wider_sieve_computes_only_what_is_new(done: Path, tmp_path: Path) -> None:
    shutil.copytree(done / "atomsieve-data", tmp_path / "atomsieve-data")
    before = starts(tmp_path)
    summary, seen = run(read(SIEVE.replace("top 2", "top 3"), tmp_path))
    assert seen == [("screen", 5, 3), ("refine", 3, 3)]
    assert summary.stored == 5 + 2
    new = starts(tmp_path)[len(before) :]
    assert len(new) == summary.computed > 0
    # nothing of the first stage, of which fmax is 0.1
    with Database.embedded(tmp_path / "atomsieve-data" / "atomsieve.sqlite") as database:
        assert {document["request"]["fmax"] for document in database.known(new).values()} == {0.05}


def test_survivors_follow_the_results_of_the_stage_before(tmp_path: Path) -> None:
    small = SIEVE.replace("[Mn, Fe, Co, Cu, Hg]", "[Mn, Fe]").replace("top 2", "top 1").replace("[ORR, HER]", "[ORR]")
    hasty = small.replace("{fmax: 0.1}", "{fmax: 0.1, max_steps: 4, ladder: false}")
    _, seen = run(read(hasty, tmp_path))
    assert seen == [("screen", 2, 0), ("refine", 0, 0)]
    patient = read(small, tmp_path)
    # what failed is tried again, and who is best then goes on
    _, seen = run(patient)
    assert seen == [("screen", 2, 1), ("refine", 1, 1)]
    with Database.embedded(patient.folder.database) as database:
        (_, _, sifted), (_, sites, _) = levels(patient, database)
        assert [next(iter(site.rows.values())).site.key for site in sites] == list(sifted.passed)
        (site,) = sites
        stage = patient.stages[1]
        assert is_complete(stage, site, database)
        # had the first stage left something else, the rows of the second would no longer stand on it
        stale = {name: replace(row, carried=row.carried[1:]) for name, row in site.rows.items()}
        assert not is_complete(stage, replace(site, rows=stale), database)


def test_a_stage_in_the_same_method_computes_what_is_missing(tmp_path: Path) -> None:
    text = SIEVE.replace("[Mn, Fe, Co, Cu, Hg]", "[Mn, Fe]").replace("top 2", "top 1").replace("[ORR, HER]", "[ORR]")
    text = text.replace("    relaxation: {fmax: 0.1}\n    spin: {clean: 1}\n", "")
    checked = read(text, tmp_path)
    summary, seen = run(checked)
    assert seen == [("screen", 2, 1), ("refine", 1, 1)]
    # gases, the clean site and OH of the survivor are found done
    assert summary.reused >= 2 + 2 + 2
    assert len(starts(tmp_path)) == len(set(starts(tmp_path))) == summary.computed
    with Database.embedded(checked.folder.database) as database:
        tasks = Counter(
            document["request"]["subject"]["adsorbate"]
            for document in database.calculations.query({"request.task": "adsorbed"})
        )
    assert set(tasks) == {"OH", "O", "OOH"}


CHAIN = """\
name: sieve
sites:
  - {family: graphene, metals: [Fe, Hg], supercell: 3x3}
reactions: [ORR]
method: {calculator: mock}
relaxation: {max_steps: 100}
prerelaxation: {calculator: mock, fmax: 0.2}
single_point: {calculator: gfn1-xtb}
poses: {most: 2}
spin: {clean: 2}
"""


def test_a_plan_counts_what_comes_before_and_after_the_relaxations(tmp_path: Path) -> None:
    checked = read(CHAIN.replace("gfn1-xtb", "mock"), tmp_path)
    plan = Planner(checked, None).plan()
    assert list(plan.counts) == ["molecule", "before clean", "before adsorbed", "clean", "adsorbed", "energy"]
    run(checked)
    with Database.embedded(checked.folder.database) as database:
        documents = list(database.calculations.query({}))
        finished = Planner(checked, database).plan()
        # a site that is half done
        database.adsorption_energies.remove_docs({"site.metals": "Fe"})
        database.calculations.remove_docs({"request.task": "energy"})
        half = Planner(checked, database).plan()
    ran = Counter(
        ("before " if document["request"]["fmax"] == 0.2 else "") + document["request"]["task"]
        for document in documents
    )
    # the gases are not pre-relaxed
    assert ran.keys() == plan.counts.keys()
    assert finished.complete == 2
    assert {kind: count.stored for kind, count in finished.counts.items()} == dict(ran)
    assert sum(count.most for count in finished.counts.values()) == 0
    for kind, count in plan.counts.items():
        assert count.least <= ran[kind] <= count.most, kind
    assert half.counts["clean"].most == half.counts["adsorbed"].most == 0
    # the clean state, OH, O and OOH of iron; nothing stayed bound on mercury; and two gases
    assert (half.counts["energy"].least, half.counts["energy"].most) == (4 + 2, 4 + 2)
    dear = read(CHAIN, tmp_path)
    assert Planner(dear, None).plan().calculator == "mock + gfn1-xtb"


def test_a_plan_counts_the_displacements_for_vibrations(tmp_path: Path) -> None:
    text = CHAIN.replace("[ORR]", "[]\nadsorbates: [OH]").replace("[Fe, Hg]", "[Fe]")
    text = text.replace("prerelaxation: {calculator: mock, fmax: 0.2}\nsingle_point: {calculator: gfn1-xtb}\n", "")
    checked = read(text + "thermochemistry: {corrections: harmonic}\n", tmp_path)
    plan = Planner(checked, None).plan()
    # three atoms of H2O and two of H2, to both sides along three axes; two of OH, if it stays bound
    count = plan.counts["displacement"]
    assert (count.least, count.most) == (6 * 5, 6 * 7)
    run(checked)
    with Database.embedded(checked.folder.database) as database:
        assert database.calculations.count({"request.task": "displacement"}) == 6 * 7
        finished = Planner(checked, database).plan()
    assert (finished.complete, finished.counts["displacement"].stored, finished.counts["displacement"].most) == (
        1,
        42,
        0,
    )


FAULTY = Path(__file__).with_name("faulty.py")


@pytest.mark.slow
@pytest.mark.faults
def test_a_run_that_is_killed_in_its_second_stage_goes_on_there(done: Path, tmp_path: Path) -> None:
    slow = SIEVE.replace("mock}", "mock, settings: {seconds_per_force_call: 0.003}}")
    (tmp_path / "sieve.yaml").write_text(slow, encoding="utf-8")
    counts = [sum(count.stored for count in entry.plan.counts.values()) for entry in plans(_checked(done))]
    data = tmp_path / "atomsieve-data"
    # after all of the first stage and some of the second
    for number in (2, 6, 10):
        process = subprocess.Popen(
            [sys.executable, FAULTY, "relaxation", str(counts[0] + number), "run", "sieve.yaml"],
            cwd=tmp_path,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        assert process.wait(timeout=300) == -signal.SIGKILL
        wait_until_alone(process.pid)
    finished = {path.parent.name for path in data.glob("results/*/*/result.json")}
    begun = Counter(starts(tmp_path))
    assert len(finished) > counts[0]
    _, seen = run(_checked(tmp_path))
    assert seen == [("screen", 5, 2), ("refine", 2, 2)]
    again = Counter(starts(tmp_path))
    # what was finished is never begun again, and what fell out goes nowhere
    assert {key: again[key] for key in finished} == {key: begun[key] for key in finished}
    assert set(again) == set(starts(done))
    killed, undisturbed = _rows(tmp_path), _rows(done)
    assert killed.keys() == undisturbed.keys()
    for key, row in undisturbed.items():
        assert (killed[key]["verdict"], killed[key]["carried"]) == (row["verdict"], row["carried"])
        # a relaxation that goes on from a checkpoint forgets the curvature, and may end elsewhere within fmax
        assert killed[key]["free"] == pytest.approx(row["free"], abs=0.01)


def _checked(folder: Path) -> CheckedCampaign:
    return load(folder / "sieve.yaml", Settings(folder=folder / "atomsieve-data"))


def _rows(folder: Path) -> dict[str, dict[str, Any]]:
    with Database.embedded(folder / "atomsieve-data" / "atomsieve.sqlite") as database:
        return {row["key"]: {"carried": [], **row} for row in database.adsorption_energies.query({})}


@pytest.mark.slow
@pytest.mark.xtb
def test_from_the_mock_to_xtb(tmp_path: Path) -> None:
    """Another method in the second stage: energies are its own, geometries start at those of the first."""
    text = (
        SIEVE.replace("[Mn, Fe, Co, Cu, Hg]", "[Ni, Cu]")
        .replace("top 2", "top 1")
        .replace("[ORR, HER]", "[]\nadsorbates: [OH]")
        .replace("spin: {clean: 2}", "spin: {clean: 1}")
        .replace("name: refine\n    method: {calculator: mock}", "name: refine\n    method: {calculator: gfn1-xtb}")
    )
    checked = read(text.replace("    where: free energy of OH < 1.5\n", ""), tmp_path)
    _, seen = run(checked)
    assert seen == [("screen", 2, 1), ("refine", 1, 1)]
    with Database.embedded(checked.folder.database) as database:
        (_, _, _), (_, (site,), _) = levels(checked, database)
        row = site.rows["OH"]
        assert {document["request"]["method"]["calculator"] for document in database.known(row.carried).values()} == {
            "mock"
        }
    assert row.method["calculator"] == "gfn1-xtb"
    assert row.verdict == "bound"
