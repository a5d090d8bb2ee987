"""Stability: energies by hand, criteria, and whole campaigns that ask for it."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from atomsieve.analysis.database import Database
from atomsieve.analysis.stability import stability
from atomsieve.builders import catalog
from atomsieve.structures.energies import SiteLabel
from atomsieve.structures.errors import CampaignError, MethodMismatchError
from atomsieve.structures.stability import Criterion, Stability, StabilityVerdict
from atomsieve.structures.task import TaskState
from atomsieve.workflows.calculators import calculator
from atomsieve.workflows.campaigns import load
from atomsieve.workflows.checked import CheckedCampaign
from atomsieve.workflows.funnel import levels
from atomsieve.workflows.ledger import Ledger
from atomsieve.workflows.plan import Planner
from atomsieve.workflows.runner import Runner
from atomsieve.workflows.settings import Settings
from atomsieve.workflows.watch import Summary, Watch

Cli = Callable[..., subprocess.CompletedProcess[str]]

METHOD = calculator("gfn1-xtb").method({})
SITE = SiteLabel("Fe-Co-N6@graphene-4x4", "s", "graphene-dual", ("Fe", "Co"))
POLICY = {"metals": "cohesive", "demetallation": True, "aggregation": True}
CAMPAIGN = """\
name: live
sites:
  - {family: graphene, metals: [Fe, Co], supercell: 3x3}
adsorbates: [H]
method: {calculator: mock}
relaxation: {max_steps: 100}
poses: {most: 1}
spin: {clean: 1, adsorbed: fixed}
"""


def found(key: str, energy: float, verdict: str = "intact", **more: Any) -> dict[str, Any]:
    return {
        "key": key,
        "status": "done",
        "energy": energy,
        "verdict": verdict,
        "reason": "as it was" if verdict == "intact" else "C1-C2 closed",
        "multiplicity": 1,
        "method": METHOD.to_dict(),
        "elements": None,
        "cell": None,
        **more,
    }


TRIED = {
    # the lowest that may be used, whatever came first or lies lower unusable
    "clean": [found("c1", -100.0), found("c2", -100.5), found("c3", -103.0, "support reacted")],
    "vacant": [found("v", -80.0)],
    "hydrogenated": [found("h", -111.0)],
}
SPECIES = {"Fe(atom)": found("fe", -5.0), "Co(atom)": found("co", -6.0), "H2": found("h2", -6.7)}
SCHEMES = {"Fe": "cohesive", "Co": "cohesive"}


def by_hand(**other: Any) -> Stability:
    given: dict[str, Any] = {
        "site": SITE,
        "method": METHOD.to_dict(),
        "policy": POLICY,
        "tried": TRIED,
        "problems": {"stacked": "it has two metals already"},
        "species": SPECIES,
        "schemes": SCHEMES,
        "hydrogens": 4,
    }
    return stability(**{**given, **other})


def test_energies_are_those_by_hand() -> None:
    one = by_hand()
    # Kittel: 4.28 eV for Fe, 4.39 eV for Co
    bulk = (-5.0 - 4.28) + (-6.0 - 4.39)
    assert one.energy("formation_energy") == pytest.approx(-100.5 + 80.0 - bulk)
    assert one.per_metal == pytest.approx((-100.5 + 80.0 - bulk) / 2)
    assert one.energy("binding_energy") == pytest.approx(-100.5 + 80.0 + 11.0)
    assert one.energy("cohesive_energy") == pytest.approx(4.28 + 4.39)
    # E_f = E_b + E_coh
    energies = [one.energy(name) or 0.0 for name in ("formation_energy", "binding_energy", "cohesive_energy")]
    assert energies[0] == pytest.approx(energies[1] + energies[2])
    assert one.energy("hydrogenation_energy") == pytest.approx(-111.0 + 80.0 + 2 * 6.7)
    assert one.missing == {"aggregation_energy": "it has two metals already"}
    assert one.calculations == {
        "clean": "c2", "vacant": "v", "hydrogenated": "h", "Fe(atom)": "fe", "Co(atom)": "co", "H2": "h2",
    }  # fmt: skip
    assert Stability.from_dict(json.loads(json.dumps(one.to_dict()))) == one


def test_aggregation_takes_two_sites_and_leaves_one_empty() -> None:
    site = SiteLabel("Fe-N4@graphene-4x4", "s", "graphene", ("Fe",))
    one = by_hand(site=site, tried={**TRIED, "stacked": [found("st", -119.0)]}, problems={}, hydrogens=2)
    assert one.energy("aggregation_energy") == pytest.approx(-119.0 - 80.0 + 2 * 100.5)
    assert one.energy("hydrogenation_energy") == pytest.approx(-111.0 + 80.0 + 6.7)


@pytest.mark.parametrize(
    ("other", "names", "why"),
    [
        ({"tried": {**TRIED, "vacant": [found("v", -80.0, "support reacted")]}}, {"cohesive_energy"}, "C1-C2 closed"),
        ({"schemes": {**SCHEMES, "Co": "no bulk at Γ"}}, {"binding_energy", "hydrogenation_energy"}, "no bulk at Γ"),
        ({"species": {**SPECIES, "Fe(atom)": found("fe", 0.0, status="failed")}}, {"hydrogenation_energy"}, "Fe(atom)"),
    ],
)
def test_what_is_missing_is_named_and_nothing_is_told_from_the_rest(
    other: Mapping[str, Any], names: set[str], why: str
) -> None:
    one = by_hand(**other)
    assert set(one.energies) == names
    assert why in one.missing["formation_energy"]


def test_energies_of_two_methods_are_never_combined() -> None:
    other = calculator("gfn2-xtb").method({}).to_dict()
    with pytest.raises(MethodMismatchError):
        by_hand(tried={**TRIED, "vacant": [found("v", -80.0, method=other)]})


def test_one_criterion_that_fails_decides_and_one_unknown_leaves_it_open() -> None:
    passes = Criterion("formation", -1.0, "eV", 0.0, True, "holds")
    fails = Criterion("dissolution", 0.2, "V", 0.8, False, "dissolves")
    unknown = Criterion("aggregation", None, "eV", 0.0, False, "not known")
    assert (passes.passes, fails.passes, unknown.passes) == (True, False, None)
    one = by_hand()
    for criteria, verdict, reason in [
        ((passes,), StabilityVerdict.STABLE, "holds"),
        ((passes, unknown), StabilityVerdict.UNDETERMINED, "not known"),
        ((passes, unknown, fails), StabilityVerdict.UNSTABLE, "dissolves"),
        ((), StabilityVerdict.UNDETERMINED, ""),
    ]:
        judged = one.under({"pH": 0.0}, criteria)
        assert (judged.verdict, judged.reason) == (verdict, reason)
        assert Stability.from_dict(json.loads(json.dumps(judged.to_dict()))).criteria == criteria
        # other conditions make another document of the same energies
        assert judged.policy_key == one.policy_key
    assert one.under({"pH": 0.0}, (passes,)).key != one.under({"pH": 1.0}, (passes,)).key


def read(text: str, folder: Path) -> CheckedCampaign:
    path = folder / "live.yaml"
    path.write_text(text, encoding="utf-8")
    return load(path, Settings(folder=folder / "data"))


def run(checked: CheckedCampaign) -> Summary:
    with Database.embedded(checked.folder.database) as database:
        return Runner(checked, database, 2, Watch()).run()


def known(checked: CheckedCampaign) -> dict[str, Stability]:
    with Database.embedded(checked.folder.database) as database:
        return {
            one.stability.site.label: one.stability
            for _, sites, _ in levels(checked, database)
            for one in sites
            if one.stability is not None
        }


def test_a_campaign_asks_for_it_later_and_under_other_conditions(tmp_path: Path) -> None:
    bare = run(read(CAMPAIGN, tmp_path))
    checked = read(CAMPAIGN + "stability: {}\n", tmp_path)
    planned = Planner(checked, None).plan()
    with Database.embedded(checked.folder.database) as database:
        left = Planner(checked, database).plan()
    summary = run(checked)
    assert summary.reused == bare.computed
    # free atom and seven volumes of two metals; the hole, with and without H; a second atom on each of two sites
    assert summary.computed == 2 * 8 + 2 + 2
    assert sum(count.most for count in planned.counts.values()) == summary.computed + bare.computed
    assert left.counts["molecule"].most == 16
    assert run(checked).computed == 0
    first = known(checked)
    assert set(first) == {"Fe-N4@graphene-3x3", "Co-N4@graphene-3x3"}
    names = [criterion.name for criterion in first["Fe-N4@graphene-3x3"].criteria]
    assert names == ["formation", "dissolution", "demetallation", "aggregation"]
    # the hole is the same for all metals
    assert len({one.calculations["vacant"] for one in first.values()}) == 1

    hot = read(CAMPAIGN + "stability: {activity: 1.0}\nconditions: {potential: 3.2, pH: 3}\n", tmp_path)
    assert run(hot).computed == 0
    for label, one in known(hot).items():
        assert one.energies == first[label].energies
        assert one.verdict == StabilityVerdict.UNSTABLE
        assert "dissolves as" in one.reason
    with Database.embedded(hot.folder.database) as database:
        documents = list(database.stabilities.query({}))
    assert len(documents) == 4
    assert {d["conditions"]["pH"] for d in documents if not d["superseded"]} == {3.0}


def test_stages_sift_by_it(tmp_path: Path) -> None:
    stages = """\
stability: {aggregation: false}
stages:
  - name: live
    method: {calculator: mock}
    where: [formation energy < 0, dissolution potential > 0.1, "stability: stable or unstable"]
    keep: top 1 by highest dissolution potential
  - {name: act, method: {calculator: mock}, stability: false, relaxation: {fmax: 0.03}}
"""
    checked = read(CAMPAIGN.replace("method: {calculator: mock}\n", "") + stages, tmp_path)
    run(checked)
    with Database.embedded(checked.folder.database) as database:
        (_, first, sifted), (_, second, _) = levels(checked, database)
    potentials = {
        one.stability.site.key: one.stability.quantity("dissolution potential")[0] for one in first if one.stability
    }
    assert list(sifted.passed) == [max(potentials, key=lambda key: potentials[key] or 0.0)]
    assert [one.stability for one in second] == [None]
    (why,) = sifted.rejected.values()
    assert why.startswith("dissolution potential is ")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("stability: {metals: guess}\n", "auto"),
        ("stability: {activity: 0}\n", "out of range"),
        ("stability: {hydrogens: 2}\n", "hydrogens"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(more: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(CampaignError, match=words):
        read(CAMPAIGN + more, tmp_path)


def test_a_criterion_without_stability_is_refused(tmp_path: Path) -> None:
    stages = "stages:\n  - {name: one, method: {calculator: mock}, where: dissolution potential > 0.1}\n"
    with pytest.raises(CampaignError, match="a section `stability:`"):
        read(CAMPAIGN.replace("method: {calculator: mock}\n", "") + stages, tmp_path)


def test_the_command_shows_each_sum(tmp_path: Path, cli: Cli) -> None:
    text = CAMPAIGN.replace("[Fe, Co]", "[Fe]")
    (tmp_path / "live.yaml").write_text(text, encoding="utf-8")
    assert cli("run", "live.yaml", cwd=tmp_path).returncode == 0
    refused = cli("stability", "live", cwd=tmp_path)
    assert refused.returncode == 2
    assert "add a section `stability: {}`" in " ".join(refused.stderr.split())
    (tmp_path / "live.yaml").write_text(text + "stability: {}\n", encoding="utf-8")
    assert cli("run", "live.yaml", cwd=tmp_path).returncode == 0
    (document,) = json.loads(cli("stability", "live", "--json", cwd=tmp_path).stdout)
    for name, terms in document["terms"].items():
        assert sum(term["value"] for term in terms) == pytest.approx(document[name])
    for criterion in document["criteria"]:
        if criterion["terms"]:
            assert sum(term["value"] for term in criterion["terms"]) == pytest.approx(criterion["value"])
    shown = cli("stability", "live", "Fe-N4", cwd=tmp_path).stdout
    assert "dissolution potential" in shown
    assert "-E(vacant)" in shown
    row = json.loads(cli("results", "live", "--json", cwd=tmp_path).stdout)[0]
    assert row["stability"] == document["verdict"]
    assert row["formation_energy"] == pytest.approx(document["formation_energy"])


def test_a_site_whose_metal_is_part_of_the_support_says_so(tmp_path: Path) -> None:
    text = CAMPAIGN.replace(
        "{family: graphene, metals: [Fe, Co], supercell: 3x3}", "{family: paddlewheel, metals: Cu-Cu}"
    )
    checked = read(text + "stability: {}\n", tmp_path)
    run(checked)
    (one,) = known(checked).values()
    (recipe,) = checked.recipes()
    assert one.missing["formation_energy"] == catalog.vacancy_problem(recipe)
    assert one.verdict == StabilityVerdict.UNDETERMINED
    assert one.energy("cohesive_energy") is not None
    assert run(checked).computed == 0


def test_energies_may_come_from_single_points(tmp_path: Path) -> None:
    text = CAMPAIGN.replace("[Fe, Co]", "[Fe]") + "single_point: {calculator: mock}\nstability: {aggregation: false}\n"
    checked = read(text, tmp_path)
    run(checked)
    (one,) = known(checked).values()
    assert set(one.energies) == {"formation_energy", "binding_energy", "cohesive_energy", "hydrogenation_energy"}
    # the hole has a single point of its own, a free atom needs none
    assert one.calculations["energy of vacant"] != one.calculations["vacant"]
    assert "energy of Fe(atom)" not in one.calculations
    plain = read(text.replace("single_point: {calculator: mock}\n", ""), tmp_path)
    run(plain)
    (other,) = known(plain).values()
    assert one.per_metal == pytest.approx(other.per_metal)


def test_a_ligand_that_leaves_with_the_metal_is_not_counted_as_a_part_of_it(tmp_path: Path) -> None:
    checked = read(CAMPAIGN.replace("[Fe, Co]", "[Fe]") + "resting: [OH]\nstability: {}\n", tmp_path)
    run(checked)
    found_ = known(checked)
    (covered,) = (one for label, one in found_.items() if "OH" in label)
    assert "OH would leave with the metal" in covered.missing["formation_energy"]
    assert covered.verdict == StabilityVerdict.UNDETERMINED
    (bare,) = (one for label, one in found_.items() if "OH" not in label)
    assert bare.per_metal is not None
    assert run(checked).computed == 0


@pytest.mark.parametrize("name", list(catalog.families()))
def test_a_site_and_its_hole_differ_by_the_metals_alone(name: str, tmp_path: Path) -> None:
    checked = read(CAMPAIGN + "stability: {}\n", tmp_path)
    assert checked.stability is not None
    for example in catalog.families()[name].examples:
        for recipe in catalog.recipes({"family": name, **example}):
            variants = checked.stability.variants(recipe)
            if not variants:
                assert checked.stability.problems(recipe)["vacant"]
                continue
            site = catalog.build(recipe)
            left = Counter(site.atoms.symbols)
            left.subtract(catalog.build(variants["vacant"]).atoms.symbols)
            assert +left == Counter(site.metal_symbols)
            assert min(left.values()) >= 0


def test_a_metal_that_cannot_be_calculated_costs_no_free_energy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = CAMPAIGN.replace("[Fe, Co]", "[Fe]") + "stability: {metals: cohesive, aggregation: false}\n"
    checked = read(text, tmp_path)
    # a person has stopped the free atom: its job comes to no end
    atom = checked.policy.molecule_request("Fe(atom)").key
    monkeypatch.setattr(
        Ledger, "held", lambda self, job: TaskState.CANCELLED if job.metadata.get("key") == atom else None
    )
    run(checked)
    with Database.embedded(checked.folder.database) as database:
        ((_, (site,), _),) = levels(checked, database)
    assert site.rows["H"].free is not None
    assert site.stability is not None
    assert "Fe(atom)" in site.stability.missing["formation_energy"]
    monkeypatch.undo()
    assert run(checked).computed == 1
    (one,) = known(checked).values()
    assert one.per_metal is not None
