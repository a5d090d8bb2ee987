"""What a database can do to those who pull from it and push to it: a clear error, nothing by halves, and on again."""

from __future__ import annotations

import contextlib
import os
import pickle
import re
import resource
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pymongo
import pytest
from pymongo import monitoring

from atomsieve.analysis.database import Database
from atomsieve.analysis.documents.common import SCHEMA_VERSION
from atomsieve.analysis.opening import open_where
from atomsieve.analysis.store import SQLiteStore
from atomsieve.structures.energies import AdsorptionEnergy, SiteLabel, Term
from atomsieve.structures.errors import StoreError
from atomsieve.structures.identity import content_key

from .conftest import mongo_server
from .proxy import Proxy, proxy

METHOD = {"schema": 1, "calculator": "mock", "physics": {}, "tier": "mock", "key": content_key("method", ["mock"])}
POLICY = {"corrections": "table", "solvation": None, "temperature": 298.15}


def energy(number: int) -> AdsorptionEnergy:
    key = content_key("calculation", [number])
    return AdsorptionEnergy(
        SiteLabel(f"Fe-N4 number {number}", content_key("site", [number]), "graphene", ("Fe",)),
        "OH",
        METHOD,
        POLICY,
        (Term("E(OH*)", "electronic", 0.01 * number, key),),
        "bound",
        "it stays",
        {"adsorbed": key},
        ({"key": key, "role": "adsorbed", "status": "done", "reason": "converged"},),
        {"clean": 3, "adsorbed": 2},
    )


ROWS = [energy(number) for number in range(40)]


def contents(database: Database) -> dict[str, Any]:
    """Return the rows without what two pushes do not share."""
    varying = {"_id", "last_updated", "provenance"}
    found = list(database.adsorption_energies.query({}))
    assert len({document["key"] for document in found}) == len(found)
    return {row["key"]: {name: row[name] for name in row if name not in varying} for row in found}


@contextlib.contextmanager
def nobody() -> Iterator[None]:
    """Act as somebody whom permissions bind, which they do not bind an administrator."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


# ------------------------------------------------------------------------------------------------------------ read-only


@pytest.fixture
def shared() -> Iterator[Path]:
    """Give the database of a folder in which others may only read."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Database.embedded(folder / "atomsieve.sqlite") as database:
            database.push(ROWS, [])
        (folder / "atomsieve.sqlite").chmod(0o444)
        folder.chmod(0o555)
        yield folder
        folder.chmod(0o755)


def test_a_folder_that_may_only_be_read_is_read(shared: Path) -> None:
    with nobody():
        with open_where(shared) as database:
            rows = database.adsorption_energies
            assert rows.count({"free": {"$gte": 0.2}}) == 20
            assert next(rows.query({}, sort={"free": -1}))["site"]["label"] == "Fe-N4 number 39"
            assert rows.distinct("site.metals") == ["Fe"]
            assert list(rows.values(["adsorbate", "tags"], limit=1)) == [("OH", [])]
            for write in (
                lambda: database.push(ROWS, []),
                lambda: database.save_campaign("c", {}, 1),
                lambda: database.ingest([{"key": "k"}]),
            ):
                with pytest.raises(StoreError, match="opened to be read only"):
                    write()
            with pytest.raises(Exception, match="opened to be read only"):
                rows.remove_docs({})
        with pytest.raises(StoreError, match="but not write"), Database.embedded(shared / "atomsieve.sqlite"):
            pass
    assert [path.name for path in shared.iterdir()] == ["atomsieve.sqlite"]


def test_who_reads_sees_what_is_written_meanwhile(tmp_path: Path) -> None:
    path = tmp_path / "atomsieve.sqlite"
    with Database.embedded(path) as writer, open_where(path) as reader:
        writer.push(ROWS[:10], [])
        assert reader.adsorption_energies.count() == 10
        reading = reader.adsorption_energies.query({})
        next(reading)
        writer.push(ROWS[10:], [])
        assert len(list(reading)) == 9
        assert reader.adsorption_energies.count() == 40


def test_a_file_without_our_indexes_is_read_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "atomsieve.sqlite"
    with SQLiteStore(path, "adsorption_energies") as plain:
        plain.update([{**row.to_dict(), "superseded": False} for row in ROWS])
    before = path.read_bytes()
    with open_where(path) as database:
        rows = database.adsorption_energies
        assert rows.count({"site.metals": "Fe", "free": {"$lt": 0.1}, "superseded": False}) == 10
        assert rows.distinct("site.metals") == ["Fe"]
        assert list(rows.values(["site.metals", "adsorbate"], {}, {"free": 1}, limit=1)) == [(["Fe"], "OH")]
        assert (database.campaigns.count(), list(database.stabilities.query({})), database.sites.distinct("x")) == (
            0,
            [],
            [],
        )
    assert path.read_bytes() == before


class Heard(monitoring.CommandListener):
    def __init__(self) -> None:
        self.names: set[str] = set()

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        self.names.add(event.command_name)

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None: ...
    def failed(self, event: monitoring.CommandFailedEvent) -> None: ...


@pytest.mark.mongo
def test_reading_asks_a_server_for_nothing_that_a_reader_may_not(mongo: tuple[str, str], monkeypatch: Any) -> None:
    name = f"{mongo[1]}_read"
    with Database.mongodb(mongo[0], name) as database:
        database.push(ROWS, [])
    heard, client = Heard(), pymongo.MongoClient
    monkeypatch.setattr(
        "maggma.stores.mongolike.MongoClient", lambda *given, **named: client(*given, **named, event_listeners=[heard])
    )
    with open_where(mongo[0], database=name) as database:
        assert database.adsorption_energies.count({"free": {"$gte": 0.2}}) == 20
        assert database.adsorption_energies.distinct("site.metals") == ["Fe"]
        assert len(list(database.adsorption_energies.query({}))) == 40
        with pytest.raises(StoreError, match="opened to be read only"):
            database.push(ROWS, [])
    assert heard.names <= {"find", "getMore", "aggregate", "distinct", "count", "listCollections", "endSessions"}
    with pymongo.MongoClient(mongo[0]) as own:
        own.drop_database(name)


# --------------------------------------------------------------------------------------------- away, slow and restarted


@pytest.fixture
def wire(mongo: tuple[str, str]) -> Iterator[tuple[Proxy, Callable[..., Database], Database]]:
    """Give a proxy, what opens a database through it, and the same database without it."""
    found = re.fullmatch(r"mongodb://127\.0\.0\.1:(\d+)/(.*)", mongo[0])
    if found is None:
        pytest.skip("the server is not on this machine")
    name = f"{mongo[1]}_wire"
    with proxy(int(found[1])) as between, Database.mongodb(mongo[0], name) as direct:

        def through(patience: int = 200, **named: Any) -> Database:
            times = f"serverSelectionTimeoutMS={patience}&connectTimeoutMS=500&socketTimeoutMS=1000"
            options = f"&directConnection=true&retryReads=false&{times}"
            return Database.mongodb(f"mongodb://127.0.0.1:{between.port}/{found[2]}{options}", name, **named)

        yield between, through, direct
        direct.calculations._collection.database.client.drop_database(name)


def test_a_server_that_is_away_is_told_so() -> None:
    for read_only in (True, False):
        database = Database.mongodb(
            "mongodb://u:planted@127.0.0.1:9/?serverSelectionTimeoutMS=200", "x", read_only=read_only
        )
        with pytest.raises(StoreError, match="is it running") as caught, database:
            pass
        assert "planted" not in str(caught.value)


@pytest.mark.slow
@pytest.mark.mongo
def test_a_slow_server_is_waited_for_or_told_so(wire: Any) -> None:
    between, through, direct = wire
    with through() as database:
        between.delay = 0.01
        database.push(ROWS[:5], [])
        assert len(contents(database)) == 5
        between.delay = 2.0
        with pytest.raises(StoreError, match="not in time"):
            database.push(ROWS, [])
    between.delay = 0.0
    with through() as database:
        database.push(ROWS, [])
    assert len(contents(direct)) == 40


@pytest.mark.slow
@pytest.mark.mongo
def test_a_server_that_goes_in_mid_push_has_whole_rows_and_the_next_push_the_rest(wire: Any) -> None:
    between, through, direct = wire
    direct.push(ROWS, [])
    expected = contents(direct)
    direct.adsorption_energies.remove_docs({})
    cuts = 0
    for number in (3, 12, 40):
        with contextlib.suppress(StoreError), through() as database:
            between.left = 1_000 * number
            database.push(ROWS, [])
            cuts -= 1
        cuts, between.left = cuts + 1, None
        there = contents(direct)
        assert all(there[key] == {**expected[key], "superseded": there[key]["superseded"]} for key in there)
    assert cuts >= 2
    with through() as database:
        database.push(ROWS, [])
    assert contents(direct) == expected


@pytest.mark.mongo
def test_a_server_that_goes_in_mid_read_is_told_so(wire: Any) -> None:
    between, through, direct = wire
    direct.push(ROWS, [])
    from atomsieve.analysis import Results

    # pymongo lets half a second pass before it looks again at a server that was away
    with through(patience=2000, read_only=True) as database:
        results = Results(database, "adsorption_energies").where(method="any")
        rows = iter(results)
        next(rows)
        between.cut()
        between.left = 0
        with pytest.raises(StoreError, match=r"cannot be read .*is it running"):
            # what was fetched may still come
            list(results)
        between.left = None
        assert len(list(results)) == 40


@pytest.mark.slow
@pytest.mark.mongo
@pytest.mark.faults
@pytest.mark.skipif("ATOMSIEVE_MONGODB_URI" in os.environ, reason="a server of others is not restarted")
def test_a_server_that_is_restarted_is_found_again(tmp_path: Path) -> None:
    def port(where: tuple[str, str]) -> int:
        return int(re.search(r":(\d+)/", where[0])[1])  # type: ignore[index]

    with contextlib.ExitStack() as stack:
        first = contextlib.ExitStack()
        where = first.enter_context(mongo_server(tmp_path))
        between = stack.enter_context(proxy(port(where)))
        options = where[0].partition("/?")[2]
        uri = f"mongodb://127.0.0.1:{between.port}/?{options}&directConnection=true&serverSelectionTimeoutMS=500"
        with Database.mongodb(uri, "restarted") as database:
            database.push(ROWS[:20], [])
            first.close()
            between.cut()
            with pytest.raises(StoreError, match="is it running"):
                database.push(ROWS, [])
            between.target = port(stack.enter_context(mongo_server(tmp_path)))
            assert len(contents(database)) == 20
            database.push(ROWS, [])
            assert len(contents(database)) == 40


# ------------------------------------------------------------------------------------- wrong credentials, wrong version


@pytest.mark.parametrize(("code", "said"), [(18, "refuses the user or the password"), (13, "needs the role read")])
def test_what_an_account_may_not_is_told_without_its_password(code: int, said: str, monkeypatch: Any) -> None:
    from pymongo.errors import OperationFailure

    def refused(*_: Any, **__: Any) -> Any:
        raise OperationFailure("planted-secret", code)

    database = Database.mongodb("mongodb://u:planted-secret@127.0.0.1:9/?serverSelectionTimeoutMS=200", "x")
    monkeypatch.setattr("maggma.stores.mongolike.MongoStore.ensure_index", refused)
    with pytest.raises(StoreError, match=said) as caught, database:
        pass
    assert "planted-secret" not in str(caught.value)


@pytest.mark.parametrize("place", ["file", pytest.param("server", marks=pytest.mark.mongo)])
def test_what_a_newer_version_wrote_is_not_touched(place: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    def opened(**named: Any) -> Database:
        if place == "file":
            return Database.embedded(tmp_path / "a.sqlite", **named)
        uri, name = request.getfixturevalue("mongo")
        return Database.mongodb(uri, f"{name}_newer", **named)

    with opened() as database:
        database.campaigns.update({"key": "c", "schema": SCHEMA_VERSION + 1})
    for read_only in (True, False):
        words = f"newer atomsieve: its documents are of version {SCHEMA_VERSION + 1}"
        with pytest.raises(StoreError, match=words), opened(read_only=read_only):
            pass


# ------------------------------------------------------------------------------------------------------------- the disk

FILL = """
import sys
from pathlib import Path
from atomsieve.analysis.database import Database
from atomsieve.structures.errors import StoreError
from atomsieve.structures.energies import AdsorptionEnergy
import pickle
rows = [AdsorptionEnergy.from_dict(row) for row in pickle.loads(Path(sys.argv[2]).read_bytes())]
with Database.embedded(Path(sys.argv[1])) as database:
    try:
        for start in range(0, len(rows), 10):
            database.push(rows[start:start + 10], [])
            print(start + 10, flush=True)
    except StoreError as error:
        print(error, file=sys.stderr)
        sys.exit(3)
"""


def limited() -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_500_000, 2_500_000))


def test_a_full_disk_keeps_what_was_acknowledged_and_goes_on_later(tmp_path: Path) -> None:
    path, rows = tmp_path / "atomsieve.sqlite", [energy(number) for number in range(300)]
    (tmp_path / "rows").write_bytes(pickle.dumps([row.to_dict() for row in rows]))
    # what an empty database takes is there already
    with Database.embedded(path):
        pass
    command = [sys.executable, "-c", FILL, str(path), str(tmp_path / "rows")]
    result = subprocess.run(command, capture_output=True, text=True, check=False, preexec_fn=limited)
    assert result.returncode == 3, result.stderr
    assert "full" in result.stderr
    assert "run this again" in result.stderr or "Nothing was written by halves" in result.stderr
    acknowledged = int(result.stdout.split()[-1])
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    with Database.embedded(path) as database:
        there = contents(database)
        assert set(there) >= {row.key for row in rows[:acknowledged]}
        assert len(there) % 10 == 0
        assert 0 < len(there) < 300
        database.push(rows, [])
        assert len(contents(database)) == 300


def test_a_damaged_file_is_told_so(tmp_path: Path) -> None:
    path = tmp_path / "atomsieve.sqlite"
    with Database.embedded(path) as database:
        database.push(ROWS, [])
    whole = path.read_bytes()
    for damaged in (b"no database " * 500, whole[: len(whole) // 2]):
        path.write_bytes(damaged)
        with pytest.raises(StoreError, match=r"is it a database|damaged"):
            used(path)


def used(path: Path) -> None:
    with Database.embedded(path) as database:
        database.push([energy(100)], [])
