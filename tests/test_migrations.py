"""Documents of older versions can be read as they are, and are brought to the version of now where they lie."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pymongo
import pytest

from atomsieve.analysis import migrations
from atomsieve.analysis.checking import check
from atomsieve.analysis.database import Database
from atomsieve.analysis.documents.collections import problems
from atomsieve.analysis.documents.common import SCHEMA_VERSION
from atomsieve.analysis.migrating import migrate
from atomsieve.analysis.store import SQLiteStore
from atomsieve.builders import catalog
from atomsieve.structures.calculation import outcome_from_dict
from atomsieve.structures.energies import AdsorptionEnergy
from atomsieve.structures.errors import StoreError
from atomsieve.structures.limiting import LimitingPotential
from atomsieve.structures.stability import Stability

#: What atomsieve wrote before documents had a version: mock campaigns of Fe-N4, and of Co-N4, which did not converge.
OLD = Path(__file__).parent / "data" / "documents-1.json"


def old_documents() -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = json.loads(OLD.read_text(encoding="utf-8"))
    for documents in found.values():
        for document in documents:
            if document.get("last_updated"):
                document["last_updated"] = datetime.fromisoformat(document["last_updated"])
    return found


@pytest.fixture(params=["embedded", pytest.param("server", marks=pytest.mark.mongo)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., Database]]:
    """Yield what opens a database as an older version left it."""
    if request.param == "embedded":
        for name, documents in old_documents().items():
            with SQLiteStore(tmp_path / "old.sqlite", name) as store:
                store.update(documents, key="key")
        yield lambda **options: Database.embedded(tmp_path / "old.sqlite", **options)
        return
    uri, _ = request.getfixturevalue("mongo")
    name = "atomsieve_test_old"
    with pymongo.MongoClient(uri) as client:
        client.drop_database(name)
        for collection, documents in old_documents().items():
            client[name][collection].insert_many(documents)
        yield lambda **options: Database.mongodb(uri, name, **options)
        client.drop_database(name)


def contents(database: Database, collection: str) -> dict[str, dict[str, Any]]:
    return {document.pop("key"): document for document in getattr(database, collection).query({}, {"_id": 0})}


@pytest.mark.parametrize("collection", ["calculations", "adsorption_energies", "limiting_potentials", "stabilities"])
def test_records_read_documents_of_version_1(collection: str) -> None:
    read: dict[str, Callable[[dict[str, Any]], Any]] = {
        "calculations": outcome_from_dict,
        "adsorption_energies": AdsorptionEnergy.from_dict,
        "limiting_potentials": LimitingPotential.from_dict,
        "stabilities": Stability.from_dict,
    }
    documents = old_documents()[collection]
    assert documents
    for document in documents:
        assert read[collection](document).key == document["key"]


@pytest.mark.parametrize("collection", sorted(migrations.MIGRATIONS))
def test_each_step_adds_and_changes_nothing_else(collection: str) -> None:
    old = old_documents()
    rows = {document["key"]: document for document in old["adsorption_energies"]}
    documents = old["limiting_potentials" if collection == "reaction_results" else collection]
    assert documents
    for document in documents:
        fresh = migrations.migrated(collection, document, rows)
        assert problems(collection, fresh) == []
        assert fresh["schema"] == SCHEMA_VERSION
        kept = (
            {**fresh, "site": {k: v for k, v in fresh["site"].items() if k != "metal_set"}}
            if "site" in fresh
            else fresh
        )
        assert {name: kept[name] for name in document} == document
        assert migrations.migrated(collection, fresh, rows) == fresh


def test_a_reaction_learns_what_its_rows_say() -> None:
    old = old_documents()
    rows = {document["key"]: document for document in old["adsorption_energies"]}
    found = [migrations.reaction_result_1_to_2(document, rows) for document in old["limiting_potentials"]]
    iron, cobalt = sorted(found, key=lambda document: document["site"]["label"], reverse=True)
    assert (iron["site"]["metal_set"], iron["verdicts"], iron["multiplicity"]) == ("Fe", {"H": "bound"}, 3)
    assert (iron["corrections"], iron["solvation"], iron["predictive"]) == ("norskov", "none", False)
    # ΔG(H*) is the limiting potential of HER with the other sign, where H* is bound too weakly
    assert iron["free_energies"]["H"] == pytest.approx(-iron["limiting_potential"])
    assert (cobalt["free_energies"], cobalt["verdicts"]) == ({"H": None}, {"H": "not converged"})


def test_the_oldest_steps_know_electrons_alone() -> None:
    document = old_documents()["limiting_potentials"][0]
    older = {**document, "steps": [{k: v for k, v in step.items() if k != "protons"} for step in document["steps"]]}
    assert migrations.reaction_result_1_to_2(older, {})["steps"] == document["steps"]


def test_a_document_of_a_newer_version_is_left_alone() -> None:
    with pytest.raises(StoreError, match="is of version 99, and this atomsieve knows 2; install a newer one"):
        migrations.migrated("calculations", {"key": "k", "schema": 99})


def test_who_only_reads_finds_the_old_collection_where_it_is(place: Callable[..., Database]) -> None:
    with place(read_only=True) as database:
        found = [LimitingPotential.from_dict(document) for document in database.reaction_results.query({})]
        assert {potential.site.label for potential in found} == {"Fe-N4@graphene-4x4", "Co-N4@graphene-4x4"}
    with place(read_only=True) as database:
        assert database.reaction_results.count() == 2


def test_opening_takes_the_old_collection_over(place: Callable[..., Database]) -> None:
    old = {document["key"]: document for document in old_documents()["limiting_potentials"]}
    for _ in range(2):
        with place() as database:
            found = contents(database, "reaction_results")
            assert {key: {"key": key, **document} for key, document in found.items()} == old
    # a writer of the older version comes by
    with place() as database, database._make("limiting_potentials") as store:
        store.update([{**next(iter(old.values())), "key": "f" * 64}], key="key")
    with place() as database:
        assert database.reaction_results.count() == 3


def test_migrating_a_database(place: Callable[..., Database]) -> None:
    old = old_documents()
    with place() as database:
        before = next(iter(check(database)))
        assert (before.older, before.amiss) == (15, [])
        first = list(migrate(database, catalog.build))
        assert {name for name, _ in first} == set(migrations.MIGRATIONS)
        assert list(migrate(database, catalog.build)) == []
        for found in check(database):
            assert (found.collection, found.older, found.amiss) == (found.collection, 0, [])
        sites = {site["label"]: site for site in database.sites.query({})}
        assert {label: site["formula"] for label, site in sites.items()} == {
            "Fe-N4@graphene-4x4": "C26FeN4",
            "Co-N4@graphene-4x4": "C26CoN4",
        }
        (failure,) = database.failures.query({})
        said = {name: failure[name] for name in ("site", "family", "metal_set", "campaigns", "task", "resolved")}
        assert said == {
            "site": "Co-N4@graphene-4x4",
            "family": "graphene",
            "metal_set": "Co",
            "campaigns": ["short"],
            "task": "clean",
            "resolved": False,
        }
        assert [method["title"] for method in database.methods.query({})] == ["mock"]
        # when its content was written stays: it decides between rows of a slot
        rows = contents(database, "adsorption_energies")
        assert {key: row["last_updated"] for key, row in rows.items()} == {
            row["key"]: row["last_updated"] for row in old["adsorption_energies"]
        }


def test_who_is_stopped_goes_on(place: Callable[..., Database], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("atomsieve.analysis.migrating.BATCH", 2)
    with place() as database:
        steps = migrate(database, catalog.build)
        assert [next(steps) for _ in range(3)] == [("calculations", 2)] * 3
        steps.close()
        left = [number for name, number in migrate(database, catalog.build) if name == "calculations"]
        assert sum(left) == 15 - 6
        assert sum(found.older + len(found.amiss) for found in check(database)) == 0


def test_campaigns_that_are_added_meanwhile_stay(place: Callable[..., Database]) -> None:
    from atomsieve.analysis import migrating
    from atomsieve.analysis.upserts import gather

    with place() as database:
        batch = list(database.adsorption_energies.query({}))
        gather(database.adsorption_energies, [row["key"] for row in batch], {"campaigns": ["new"], "tags": ["t"]})
        migrating._write(database, "adsorption_energies", database.adsorption_energies, batch)
        rows = contents(database, "adsorption_energies").values()
        assert [(row["campaigns"], row["tags"], row["schema"]) for row in rows] == [(["new"], ["t"], 2)] * 2


def test_the_commands(tmp_path: Path, cli: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    for name, documents in old_documents().items():
        with SQLiteStore(tmp_path / "old.sqlite", name) as store:
            store.update(documents, key="key")
    result = cli("db", "check", "--database", "old.sqlite", cwd=tmp_path)
    assert (result.returncode, "atomsieve db migrate" in result.stdout) == (0, True), result.stdout + result.stderr
    result = cli("db", "migrate", "--database", "old.sqlite", "--json", cwd=tmp_path)
    assert json.loads(result.stdout)["migrated"]["calculations"] == 15
    result = cli("db", "migrate", "--database", "old.sqlite", cwd=tmp_path)
    assert "all documents are of version 2 already" in result.stdout
    with SQLiteStore(tmp_path / "old.sqlite", "adsorption_energies") as store:
        row = store.query_one({})
        assert row is not None
        store.update({**row, "free": "much", "calculations": {"clean": "a" * 64}}, key="key")
    result = cli("db", "check", "--database", "old.sqlite", cwd=tmp_path)
    assert result.returncode == 1
    assert f"adsorption_energies {row['key']}: free: Input should be a valid number" in result.stdout
    result = cli("db", "check", "--database", "nowhere.sqlite", cwd=tmp_path)
    assert result.returncode != 0
    assert "there is no database" in result.stderr
