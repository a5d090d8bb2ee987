"""The documents of the database: what they hold, who made them, and that many may write them at once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from atomsieve.analysis.database import Database
from atomsieve.analysis.documents.collections import COLLECTIONS, problems, validated
from atomsieve.analysis.documents.page import fields, page
from atomsieve.analysis.documents.sites import site_document
from atomsieve.analysis.electrode import limiting_potential
from atomsieve.analysis.provenance import Provenance
from atomsieve.analysis.surroundings import surroundings
from atomsieve.builders import catalog
from atomsieve.structures.calculation import Calculation, Failure, Request
from atomsieve.structures.campaign import parse_campaign
from atomsieve.structures.energies import AdsorptionEnergy, Term
from atomsieve.structures.errors import CampaignError, FailureClass, StoreError
from atomsieve.structures.judgement import Judgement, Verdict
from atomsieve.structures.limiting import LimitingPotential
from atomsieve.structures.method import Method
from atomsieve.structures.reaction import reaction
from atomsieve.structures.site import ActiveSite, atoms_to_dict, site_label
from atomsieve.workflows.campaigns import load
from atomsieve.workflows.runner import Runner
from atomsieve.workflows.settings import Settings
from atomsieve.workflows.watch import Watch

ROOT = Path(__file__).resolve().parent.parent
METHOD = Method("vasp", {"functional": "RPBE", "dispersion": "D3(BJ)"}, "dft")
POLICY = {"corrections": "norskov", "solvation": "none", "temperature": 298.15, "terms": "t"}
FIRST, SECOND = Provenance("first", ("paper", "2026"), "/scratch/first"), Provenance("second", ("2026", "talk"))
#: Other modules share the server.
SERVED = "atomsieve_test_documents"


@pytest.fixture(params=["embedded", pytest.param("server", marks=pytest.mark.mongo)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    if request.param == "embedded":
        made = Database.embedded(tmp_path / "atomsieve.sqlite")
    else:
        made = Database.mongodb(request.getfixturevalue("mongo")[0], SERVED)
    with made:
        yield made
        for name in COLLECTIONS:
            getattr(made, name).remove_docs({})


def again(database: Database) -> Database:
    """Return the same database as another process opens it."""
    if database.path is not None:
        return Database.embedded(database.path)
    store: Any = database.calculations
    host, port = store._collection.database.client.address
    return Database.mongodb(f"mongodb://{host}:{port}/?retryWrites=false&journal=true", SERVED)


def iron() -> ActiveSite:
    recipe = next(catalog.recipes({"family": "graphene", "metals": ["Fe"], "coordination": "N4"}))
    return catalog.build(recipe)


def row(value: float = 0.3, key: str = "a", site: ActiveSite | None = None) -> AdsorptionEnergy:
    considered = {"key": key * 64, "role": "adsorbed", "status": "done", "reason": "", "verdict": "bound"}
    return AdsorptionEnergy(
        site=site_label(site or iron()),
        adsorbate="H",
        method=METHOD.to_dict(),
        policy=POLICY,
        terms=(Term("E(H*)", "electronic", value, key * 64),),
        verdict="bound",
        reason="1.6 Å",
        calculations={"clean": "d" * 64, "adsorbed": key * 64},
        considered=({**considered, "energy": value, "multiplicity": 3},),
        multiplicity={"clean": 3, "adsorbed": 2},
    )


def hydrogen(own: AdsorptionEnergy) -> LimitingPotential:
    conditions = {"temperature": 298.15, "pH": 0.0, "potential": 0.0, "scale": "RHE"}
    around = surroundings(conditions)
    return limiting_potential(
        reaction("HER"), {"H": own}, site=own.site, method=own.method, conditions=conditions, around=around
    )


def request() -> Request:
    return Request("clean", iron().recipe, METHOD, 0.05, 3)


def success() -> dict[str, Any]:
    site = iron()
    judgement = Judgement(Verdict.INTACT, "nothing left")
    atoms = atoms_to_dict(site.atoms)
    return Calculation(request(), -1.0, atoms, "c" * 64, judgement, 7, 0.04, provenance={"host": "n1"}).to_dict()


def failure(text: str = "it did not converge") -> dict[str, Any]:
    judgement = Judgement(Verdict.NOT_CONVERGED, "no minimum")
    kind = FailureClass.GIVE_UP
    return Failure(request(), kind, judgement, text, None, 300, provenance={"host": "n1"}).to_dict()


def only(store: Any) -> dict[str, Any]:
    (document,) = store.query({})
    found: dict[str, Any] = document
    return found


def test_the_page_is_what_the_models_say() -> None:
    assert (ROOT / "docs" / "schema.md").read_text(encoding="utf-8") == page(), "atomsieve db schema > docs/schema.md"


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_every_field_says_what_it_is(collection: str) -> None:
    assert [path for path, _, text in fields(collection) if not text] == []
    assert {"key", "schema", "last_updated"} <= {path for path, _, _ in fields(collection)}


def test_a_document_that_does_not_fit_is_refused() -> None:
    document = {"key": "a" * 64, "title": "vasp", "calculator": "vasp", "physics": {}, "tier": "dft", "predictive": 1}
    with pytest.raises(
        StoreError, match=r"methods: the document a+ is not written: schema: Field required; predictive"
    ):
        validated("methods", document)


def test_a_row_and_its_companions(database: Database) -> None:
    site, own = iron(), row()
    database.push_sites({site.key: lambda: site_document(site, FIRST)}, FIRST)
    database.push([own], [hydrogen(own)], (), FIRST)
    stored = only(database.adsorption_energies)
    assert stored["key"] == own.key
    assert stored["site"]["metal_set"] == "Fe"
    assert (stored["predictive"], stored["superseded"], stored["schema"]) == (True, False, 2)
    assert stored["provenance"].keys() == {"atomsieve", "user", "host", "folder", "made"}
    assert stored["provenance"]["folder"] == "/scratch/first"
    result = only(database.reaction_results)
    assert (result["free_energies"], result["verdicts"]) == ({"H": 0.3}, {"H": "bound"})
    assert (result["multiplicity"], result["corrections"], result["solvation"]) == (3, "norskov", "none")
    assert result["limiting_potential"] == pytest.approx(-0.3)
    assert only(database.methods)["title"] == "vasp RPBE-D3(BJ)"
    assert (only(database.sites)["formula"], only(database.sites)["metals"]) == ("C26FeN4", ["Fe"])
    for name in ("sites", "adsorption_energies", "reaction_results", "methods"):
        assert problems(name, only(getattr(database, name))) == []


def test_writing_again_adds_campaigns_and_changes_nothing_else(database: Database) -> None:
    site, own = iron(), row()
    for by in (FIRST, SECOND, FIRST):
        database.push_sites({site.key: lambda: site_document(site, FIRST)}, by)
        database.push([own], [hydrogen(own)], (), by)
        if by is FIRST:
            before = {name: only(getattr(database, name)) for name in ("adsorption_energies", "reaction_results")}
    for name in ("sites", "adsorption_energies", "reaction_results"):
        document = only(getattr(database, name))
        assert (document["campaigns"], document["tags"]) == (["first", "second"], ["paper", "2026", "talk"])
        if name in before:
            assert document == {**before[name], "campaigns": document["campaigns"], "tags": document["tags"]}


def test_a_reaction_finds_rows_that_are_stored_already(database: Database) -> None:
    own = row()
    database.push([own], [])
    database.push([], [hydrogen(own)])
    assert only(database.reaction_results)["free_energies"] == {"H": 0.3}


def test_what_is_known_costs_few_questions(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    own = row()
    database.push([own], [hydrogen(own)], (), FIRST)
    asked: list[str] = []
    for name in COLLECTIONS:
        store = getattr(database, name)

        def query(*arguments: Any, _name: str = name, _query: Any = store.query, **more: Any) -> Any:
            asked.append(_name)
            return _query(*arguments, **more)

        monkeypatch.setattr(store, "query", query)
    database.push([own], [hydrogen(own)], (), FIRST)
    # what is there, and what it supersedes
    assert sorted(asked) == ["adsorption_energies"] * 2 + ["reaction_results"] * 2
    asked.clear()
    database.ingest([success()], FIRST)
    assert [name for name in asked if name != "calculations"] == ["failures"]


def test_marks_leave_all_else_as_it_is(database: Database) -> None:
    old, new = row(0.3, "a"), row(0.2, "b")
    database.push([old], [hydrogen(old)], (), FIRST)
    before = only(database.adsorption_energies)
    database.push([new], [hydrogen(new)], (), SECOND)
    rows = {document["key"]: document for document in database.adsorption_energies.query({})}
    assert rows[old.key] == {**before, "superseded": True}
    assert rows[new.key]["superseded"] is False
    assert sorted(entry["superseded"] for entry in database.reaction_results.query({})) == [False, True]


def test_many_write_at_once(database: Database) -> None:
    site, own = iron(), row()
    others = [replace(own, adsorbate=f"H{number}") for number in range(5)]

    def write(number: int) -> None:
        by = Provenance(f"campaign-{number}", (f"tag-{number % 2}",))
        with again(database) as mine:
            mine.push_sites({site.key: lambda: site_document(site, by)}, by)
            for other in others:
                mine.push([own, other], [hydrogen(own)], (), by)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(write, range(6)))
    expected = {f"campaign-{number}" for number in range(6)}
    for name, number in (("sites", 1), ("adsorption_energies", 6), ("reaction_results", 1)):
        documents = list(getattr(database, name).query({}))
        assert len(documents) == number
        for document in documents:
            assert len(document["campaigns"]) == 6
            assert (set(document["campaigns"]), set(document["tags"])) == (expected, {"tag-0", "tag-1"})


def test_a_failure_is_kept_and_resolved(database: Database) -> None:
    database.push_sites({iron().key: lambda: site_document(iron(), FIRST)}, FIRST)
    failed = failure("x" * 3000)
    database.ingest([failed], FIRST, {failed["key"]: "Fe-N4@graphene-4x4"})
    stored = only(database.failures)
    assert problems("failures", stored) == []
    assert (stored["site"], stored["family"], stored["metal_set"]) == ("Fe-N4@graphene-4x4", "graphene", "Fe")
    assert (stored["resolved"], stored["campaigns"], len(stored["text"])) == (False, ["first"], 2000)
    database.ingest([failure("again")], SECOND)
    assert (only(database.failures)["text"], only(database.failures)["campaigns"]) == ("again", ["first", "second"])
    database.ingest([success()], SECOND)
    assert only(database.failures)["resolved"] is True
    assert only(database.calculations)["status"] == "done"
    # a straggler fails after all: the success stands
    database.ingest([failure("late")], FIRST)
    assert (only(database.failures)["resolved"], only(database.calculations)["status"]) == (True, "done")


def test_a_failure_of_a_free_molecule_names_no_site(database: Database) -> None:
    judgement = Judgement(Verdict.NOT_CONVERGED, "no minimum")
    asked = Request("displacement", {"of": "b" * 64, "atom": 0}, METHOD, 0.05, 1)
    failed = Failure(asked, FailureClass.RETRY, judgement, "died", provenance={}).to_dict()
    database.ingest([failed], FIRST, {failed["key"]: "H2O"})
    stored = only(database.failures)
    assert (stored["site"], stored["molecule"], stored["host"]) == (None, "H2O", None)


def test_a_success_and_a_failure_at_once(database: Database) -> None:
    def write(document: dict[str, Any]) -> None:
        with again(database) as mine:
            mine.ingest([document], FIRST)

    for _ in range(3):
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(write, [failure("one"), success(), failure("two"), success()]))
        assert only(database.calculations)["status"] == "done"
        assert only(database.failures)["resolved"] is True
        for name in ("calculations", "failures"):
            getattr(database, name).remove_docs({})


def test_of_one_batch_the_success_stays(database: Database) -> None:
    database.ingest([success(), failure()], FIRST)
    assert only(database.calculations)["status"] == "done"
    assert only(database.failures)["resolved"] is True


CAMPAIGN = """\
name: {name}
sites: [{{family: graphene, metals: [Fe], coordination: N4}}]
reactions: [HER]
method: {{calculator: mock}}
poses: {{most: 1}}
spin: {{clean: fixed, adsorbed: fixed}}
tags: [{tags}]
"""


def test_a_campaign_that_finds_all_done_adds_its_name_and_tags(tmp_path: Path) -> None:
    for name, tags in (("one", "paper"), ("two", "talk, paper")):
        file = tmp_path / f"{name}.yaml"
        file.write_text(CAMPAIGN.format(name=name, tags=tags), encoding="utf-8")
        checked = load(file, Settings(folder=tmp_path / "data"))
        with Database.embedded(checked.folder.database) as database:
            summary = Runner(checked, database, 1, Watch()).run()
    assert (summary.computed, summary.stored) == (0, 1)
    with Database.embedded(checked.folder.database) as database:
        for name in ("sites", "adsorption_energies", "reaction_results"):
            document = only(getattr(database, name))
            assert (document["campaigns"], document["tags"]) == (["one", "two"], ["paper", "talk"])
            assert document.get("provenance", {}).get("folder") in (None, str(tmp_path / "data"))
        campaigns = {document["name"]: document for document in database.campaigns.query({})}
        assert campaigns["two"]["tags"] == ["talk", "paper"]
        assert problems("campaigns", campaigns["two"]) == []
        assert all(problems("calculations", document) == [] for document in database.calculations.query({}))


def test_a_tag_is_a_word() -> None:
    with pytest.raises(CampaignError, match="tags"):
        parse_campaign(CAMPAIGN.format(name="one", tags="''"), "one.yaml")
