"""The same campaign against a MongoDB server, read back with plain pymongo."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pymongo
import pytest

from atomsieve.analysis.database import Database
from atomsieve.analysis.documents.collections import COLLECTIONS, problems
from atomsieve.structures.errors import StoreError
from atomsieve.workflows.campaigns import load, open_database
from atomsieve.workflows.settings import Settings
from atomsieve.workflows.watch import Watch

pytestmark = pytest.mark.mongo

Cli = Callable[..., subprocess.CompletedProcess[str]]

CAMPAIGN = """\
name: wire
sites:
  - {family: graphene, metals: [Fe, Ni, Ta], coordination: [N4, N3]}
reactions: [ORR, HER]
method: {calculator: mock}
poses: {most: 1}
"""


#: Who wrote it, where and when.
WRITER = {"_id", "last_updated", "provenance", "folder", "begun", "updated"}


def plain(documents: Any) -> dict[str, dict[str, Any]]:
    return {d["key"]: {k: v for k, v in d.items() if k not in WRITER} for d in documents}


@pytest.fixture(scope="module")
def mongo(mongo: tuple[str, str]) -> Iterator[tuple[str, str]]:
    """A database of these tests alone: whole collections are compared, and other modules write to theirs."""
    uri, name = mongo
    yield uri, f"{name}_wire"
    with pymongo.MongoClient(uri) as client:
        client.drop_database(f"{name}_wire")


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, mongo: tuple[str, str], cli: Cli) -> tuple[Path, Path]:
    """Return two folders in which the campaign was run, embedded and over the wire."""
    uri, name = mongo
    folders = tuple(tmp_path_factory.mktemp(kind) for kind in ("embedded", "wire"))
    wired = {"ATOMSIEVE_MONGODB_URI": uri, "ATOMSIEVE_MONGODB_DATABASE": name}
    for folder, environment in zip(folders, ({}, wired), strict=True):
        (folder / "wire.yaml").write_text(CAMPAIGN, encoding="utf-8")
        result = cli("run", "wire.yaml", cwd=folder, **environment)
        assert result.returncode == 0, result.stderr
        assert uri not in result.stdout + result.stderr
    return folders[0], folders[1]


@pytest.mark.parametrize("collection", sorted(COLLECTIONS.keys() - {"stabilities", "failures"}))
def test_documents_over_the_wire_equal_the_embedded_ones(
    collection: str, both: tuple[Path, Path], mongo: tuple[str, str]
) -> None:
    with Database.embedded(both[0] / "atomsieve-data" / "atomsieve.sqlite") as database:
        embedded = plain(getattr(database, collection).query({}))
    with pymongo.MongoClient(mongo[0]) as client:
        documents = list(client[mongo[1]][collection].find())
    wire = plain(documents)
    assert wire == embedded
    assert len(wire) >= {"campaigns": 1, "methods": 1, "sites": 6}.get(collection, 12)
    assert [problems(collection, document) for document in documents] == [[]] * len(wire)
    assert not (both[1] / "atomsieve-data" / "atomsieve.sqlite").exists()


def test_a_person_finds_rows_with_plain_pymongo(both: tuple[Path, Path], mongo: tuple[str, str]) -> None:
    del both
    with pymongo.MongoClient(mongo[0]) as client:
        rows = client[mongo[1]]["adsorption_energies"]
        best = list(rows.find({"superseded": False, "adsorbate": "OH", "verdict": "bound"}).sort("free", 1))
        indexes = {field for index in rows.list_indexes() for field in index["key"]}
    assert [row["site"]["metals"] for row in best][:1] == [["Ta"]]
    assert [row["free"] for row in best] == sorted(row["free"] for row in best)
    assert {"key", "policy_key", "site.key", "site.label"} <= indexes


def test_the_second_run_over_the_wire_computes_nothing(
    both: tuple[Path, Path], mongo: tuple[str, str], cli: Cli
) -> None:
    wired = {"ATOMSIEVE_MONGODB_URI": mongo[0], "ATOMSIEVE_MONGODB_DATABASE": mongo[1]}
    assert "nothing was computed" in cli("run", "wire.yaml", cwd=both[1], **wired).stdout
    rows = json.loads(cli("results", "wire", "--json", cwd=both[1], **wired).stdout)
    assert rows == json.loads(cli("results", "wire", "--json", cwd=both[0]).stdout)


def test_a_colleague_without_the_folder_computes_nothing_either(
    both: tuple[Path, Path], mongo: tuple[str, str], cli: Cli, tmp_path: Path
) -> None:
    del both
    wired = {"ATOMSIEVE_MONGODB_URI": mongo[0], "ATOMSIEVE_MONGODB_DATABASE": mongo[1]}
    # one reaction more: the rows of H are there, the calculations are found by key, none is begun
    (tmp_path / "mine.yaml").write_text(CAMPAIGN.replace("wire", "mine").replace("ORR, HER", "OER"), encoding="utf-8")
    result = cli("run", "mine.yaml", cwd=tmp_path, **wired)
    assert result.returncode == 0, result.stderr
    assert not (tmp_path / "atomsieve-data" / "starts.log").exists()


def test_a_server_that_is_away_is_said_so_without_its_credentials(tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "wire.yaml").write_text(CAMPAIGN, encoding="utf-8")
    uri = "mongodb://someone:planted-secret@127.0.0.1:9/?serverSelectionTimeoutMS=300"
    result = cli("run", "wire.yaml", cwd=tmp_path, ATOMSIEVE_MONGODB_URI=uri)
    assert result.returncode == 3
    assert "cannot be opened" in result.stderr
    assert "Traceback" not in result.stderr
    for text in (result.stdout, result.stderr, *(p.read_text() for p in tmp_path.rglob("*") if p.is_file())):
        assert "planted-secret" not in text


def test_a_campaign_that_insists_on_mongodb_needs_a_server(tmp_path: Path) -> None:
    (tmp_path / "wire.yaml").write_text(CAMPAIGN + "results: {database: mongodb}\n", encoding="utf-8")
    checked = load(tmp_path / "wire.yaml", Settings())
    with pytest.raises(ValueError, match="ATOMSIEVE_MONGODB_URI is not set"):
        open_database(checked.campaign, checked.folder, Settings())


def test_a_database_that_goes_away_in_mid_run_costs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from atomsieve.workflows.runner import Runner

    (tmp_path / "wire.yaml").write_text(CAMPAIGN.replace("[Fe, Ni, Ta]", "[Fe]"), encoding="utf-8")
    checked = load(tmp_path / "wire.yaml", Settings(folder=tmp_path / "data"))

    database = Database.embedded(checked.folder.database)
    with database:
        away = False

        def breakable(original: Any) -> Any:
            def call(*arguments: Any, **named: Any) -> Any:
                if away:
                    raise pymongo.errors.ServerSelectionTimeoutError("no server")
                return original(*arguments, **named)

            return call

        for store in (database.calculations, database.adsorption_energies, database.reaction_results):
            for method in ("query", "update"):
                monkeypatch.setattr(store, method, breakable(getattr(store, method)))

        class GoneAfterTheFirst(Watch):
            def finished(self, name: str, task: str, output: Any) -> None:
                nonlocal away
                away = True

        with pytest.raises(StoreError, match="every finished result is on disk"):
            Runner(checked, database, 1, GoneAfterTheFirst()).run()
        starts = checked.folder.starts.read_text()
        assert len(starts.splitlines()) > 20
        assert database.calculations.count({}) == 0
        away = False
        summary = Runner(checked, database, 1, Watch()).run()
        assert (summary.computed, summary.sites) == (0, 2)
        assert summary.reused == len(starts.splitlines()) == database.calculations.count({})
    assert checked.folder.starts.read_text() == starts
