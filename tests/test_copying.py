"""Moving results: from one database to another, to a file and back; and all that is derived, derived again."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from atomsieve.analysis import blobs, copying, dumping, merging
from atomsieve.analysis.database import Database
from atomsieve.analysis.opening import open_where
from atomsieve.structures.errors import InputError
from atomsieve.workflows import rebuilding
from atomsieve.workflows.cli import app
from atomsieve.workflows.moving import shown

from .laptop import fill, said, server_place, state

Cli = Callable[..., subprocess.CompletedProcess[str]]

#: Copies SRC to DST in small batches, and is killed before the N-th write.
KILLED = """\
import os, signal, sys
from atomsieve.analysis import copying, merging
from atomsieve.analysis.opening import open_where
source, target, left = sys.argv[1], sys.argv[2], int(sys.argv[3])
put = copying.put
def counted(*arguments):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    put(*arguments)
copying.put = counted
copying._BATCH = dict.fromkeys(merging.COPIED, 4)
with open_where(source) as begin, open_where(target, read_only=False) as end:
    copying.copy(begin, end)
"""


HEAD = '{"atomsieve dump": 1}'
DOCUMENT = '{"collection": "methods", "document": {"key": "a", "schema": 2, "last_updated": null}}'


@pytest.fixture(scope="module")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of results that no test changes."""
    return fill(tmp_path_factory.mktemp("laptop"))


@pytest.fixture(params=["embedded", pytest.param("server", marks=pytest.mark.mongo)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Yield where an empty database lies."""
    if request.param == "embedded":
        yield str(tmp_path / "place")
        return
    with server_place(request.getfixturevalue("mongo")) as where:
        yield where


def copied(source: Path | str, target: Path | str) -> dict[str, copying.Tally]:
    with open_where(source) as begin, open_where(target, read_only=False) as end:
        return copying.copy(begin, end).tallies


def test_the_laptop_has_something_of_everything(laptop: Path) -> None:
    found = state(laptop)
    assert all(found.values())
    assert {key for key, one in found["adsorption_energies"].items() if len(one["campaigns"]) == 2}
    assert any(one["site"]["family"] == "ingested" for one in found["adsorption_energies"].values())


def test_a_copy_is_the_same_there_and_back(laptop: Path, place: str, tmp_path: Path) -> None:
    before = state(laptop)
    tallies = copied(laptop, place)
    assert {name: tally.new for name, tally in tallies.items()} == {name: len(group) for name, group in before.items()}
    assert state(place) == before
    again = copied(laptop, place)
    assert all(tally.there == tally.total for tally in again.values())
    copied(place, tmp_path / "back")
    assert state(tmp_path / "back") == before


def test_a_copy_that_is_killed_again_and_again_ends_as_an_undisturbed_one(laptop: Path, place: str) -> None:
    kills = 0
    for left in (2, 5):
        command = [sys.executable, "-c", KILLED, str(laptop), place, str(left)]
        kills += subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert kills == 2
    there = sum(map(len, state(place).values()))
    assert 0 < there < sum(map(len, state(laptop).values()))
    copied(laptop, place)
    assert state(place) == state(laptop)


def changed(laptop: Path, folder: Path) -> dict[str, Any]:
    """Copy the laptop into a folder, and have a success there be a failure, other tags, and a newer row of a slot."""
    copied(laptop, folder)
    with open_where(folder, read_only=False) as database:
        done = database.calculations.query_one({"status": "done"})
        failure = database.calculations.query_one({"status": "failed"})
        later = {"last_updated": done["last_updated"] + timedelta(days=1)}
        worse = {name: failure[name] for name in ("status", "failure_class", "text", "tried") if name in failure}
        database.calculations.update([{**done, **worse, **later}], key="key")
        row = database.adsorption_energies.query_one({"verdict": "bound", "site.family": "graphene"})
        newer = {name: value for name, value in row.items() if name != "_id"} | {"key": "f" * 64, "tags": ["newer"]}
        database.adsorption_energies.update([{**newer, **later}], key="key")
        database.adsorption_energies.update([{**row, "tags": ["other"], "campaigns": ["theirs"]}], key="key")
    return {"success": done["key"], "old": row["key"], "new": newer["key"]}


@pytest.mark.parametrize("at_once", [False, True])
def test_two_databases_unite(laptop: Path, place: str, tmp_path: Path, at_once: bool) -> None:
    keys = changed(laptop, tmp_path / "other")
    sources = [laptop, tmp_path / "other"]
    if at_once:
        writers = [Thread(target=copied, args=(source, place)) for source in sources]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
    else:
        for source in sources:
            copied(source, place)
    found, ours = state(place), state(laptop)
    assert found["calculations"] == ours["calculations"]
    old, new = (found["adsorption_energies"][keys[one]] for one in ("old", "new"))
    assert set(old["tags"]) == {*ours["adsorption_energies"][keys["old"]]["tags"], "other"}
    assert "theirs" in old["campaigns"]
    assert (old["superseded"], new["superseded"]) == (True, False)
    stands = [one for one in found["reaction_results"].values() if keys["old"] in one["adsorption_energies"].values()]
    assert all(one["superseded"] for one in stands)
    assert {name: len(group) for name, group in found.items()} == {
        name: len(group) + (name == "adsorption_energies") for name, group in ours.items()
    }


def test_a_success_that_comes_later_resolves_a_failure(laptop: Path, place: str, tmp_path: Path) -> None:
    (key,) = [one["key"] for one in state(laptop)["failures"].values()][:1]
    copied(laptop, tmp_path / "lucky")
    with open_where(tmp_path / "lucky", read_only=False) as database:
        some = database.calculations.query_one({"status": "done"})
        database.calculations.remove_docs({"key": key})
        database.calculations.update([{**{k: v for k, v in some.items() if k != "_id"}, "key": key}], key="key")
        database.failures.remove_docs({})
    copied(laptop, place)
    assert not state(place)["failures"][key]["resolved"]
    copied(tmp_path / "lucky", place)
    assert state(place)["calculations"][key]["status"] == "done"
    assert state(place)["failures"][key]["resolved"]


def test_of_two_campaigns_of_one_name_the_newer_stays_and_collections_unite() -> None:
    old = {"key": "c", "last_updated": 1, "campaign": {"sites": [{"family": "graphene"}]}, "tags": ["a"]}
    new = {"key": "c", "last_updated": 2, "campaign": {"sites": [{"family": "porphine"}]}, "tags": ["b"]}
    forth, back = merging.change("campaigns", new, old), merging.change("campaigns", old, new)
    assert forth == merging.Change({**new, "tags": ["a", "b"]}, is_whole=True)
    assert back == merging.Change({"tags": ["b", "a"]})
    sites = [{"label": label, "method": "m", "rows": {}, "of": of} for label, of in (("A", 1), ("B", 1), ("B", 2))]
    ours = {**old, "campaign": {"sites": sites[:2]}, "sites": 2}
    theirs = {**new, "campaign": {"sites": sites[2:]}, "sites": 1}
    united = merging.change("campaigns", ours, theirs)
    assert united is not None
    assert united.fields["campaign"]["sites"] == [sites[0], sites[2]]
    assert united.fields["sites"] == 2


@pytest.mark.mongo
def test_what_is_too_large_for_a_document_is_carried(
    laptop: Path, mongo: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blobs, "DOCUMENT_BYTES", 1500)
    with server_place(mongo) as place, server_place(mongo) as other:
        copied(laptop, place)
        with open_where(place) as database:
            assert any(blobs.MARK in str(one) for one in database.calculations.query({}))
            dumping.dump(database, tmp_path / "all.jsonl")
        copied(place, other)
        copied(other, tmp_path / "back")
        with open_where(tmp_path / "dumped", read_only=False) as database:
            dumping.load(tmp_path / "all.jsonl", database)
    assert state(tmp_path / "back") == state(tmp_path / "dumped") == state(laptop)


# -- files -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["all.jsonl", "all.jsonl.gz"])
def test_a_dump_comes_back_whole_or_not_at_all(laptop: Path, place: str, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with open_where(laptop) as database:
        counts = dumping.dump(database, path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert counts == {name: len(group) for name, group in state(laptop).items()} == dumping.check(path)
    content = path.read_bytes()
    with open_where(place, read_only=False) as database:
        for cut in (0, 1, len(content) // 3, len(content) - 30, len(content) - 1):
            path.write_bytes(content[:cut])
            with pytest.raises(InputError, match=r"cut short|is no"):
                dumping.load(path, database)
        assert sum(copying.counts(database).values()) == 0
        path.write_bytes(content)
        dumping.load(path, database)
        again = dumping.load(path, database).tallies
    assert all(tally.there == tally.total for tally in again.values())
    assert state(place) == state(laptop)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["hello"], "line 1 is no JSON"),
        (['{"name": "graphene"}'], "is no dump"),
        (['{"atomsieve dump": 9}'], "layout 9"),
        ([HEAD, '{"collection": "poems", "document": {}}'], "'poems'"),
        ([HEAD, '{"collection": "sites", "document": {"key": 1}}'], "line 2 holds no document"),
        ([HEAD, '{"end": {"sites": 1}}'], "lines are missing"),
        ([HEAD, DOCUMENT.replace('"schema": 2', '"schema": 99')], "version 99 of the documents"),
        ([HEAD, DOCUMENT], "does not fit methods: .*title: Field required"),
    ],
)
def test_what_is_no_dump_is_refused(lines: list[str], words: str, tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text("\n".join(lines) + "\n")
    with pytest.raises(InputError, match=words):
        dumping.check(tmp_path / "x.jsonl")


# -- what is derived ---------------------------------------------------------------------------------------------------


def rebuilt(where: str, aside: Path, *, is_dry: bool = False) -> rebuilding.Rebuilt:
    with open_where(where, read_only=False) as database:
        return rebuilding.rebuild(database, aside, is_dry=is_dry)


def wipe(database: Database) -> None:
    for name in rebuilding.DERIVED:
        getattr(database, name).remove_docs({})


def test_all_that_is_derived_can_be_derived_again(laptop: Path, place: str, tmp_path: Path) -> None:
    copied(laptop, place)
    untouched = rebuilt(place, tmp_path / "aside.jsonl")
    assert untouched.incomplete == {}
    for name, found in untouched.collections.items():
        assert (found.changed, found.new, found.gone) == (0, 0, 0), name
    assert state(place) == state(laptop)

    with open_where(place, read_only=False) as database:
        wipe(database)
    done = rebuilt(place, tmp_path / "aside.jsonl")
    assert {name: found.new for name, found in done.collections.items()} == {
        name: len(state(laptop)[name]) for name in rebuilding.DERIVED
    }
    assert said(state(place)) == said(state(laptop))


def test_what_no_campaign_derives_goes_last(
    laptop: Path, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied(laptop, place)
    with open_where(place, read_only=False) as database:
        row = database.adsorption_energies.query_one({"superseded": False, "site.family": "graphene"})
        stray = {name: value for name, value in row.items() if name != "_id"} | {"key": "f" * 64, "slot": "e" * 64}
        tampered = {**row, "free": 99.0}
        database.adsorption_energies.update([stray, tampered], key="key")
    before = state(place)
    looked = rebuilt(place, tmp_path / "aside.jsonl", is_dry=True).collections["adsorption_energies"]
    assert (looked.changed, looked.gone, looked.examples) == (1, 1, ["f" * 64])
    assert state(place) == before

    def away(*arguments: Any) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(rebuilding, "_remove", away)
        with pytest.raises(RuntimeError, match="killed"):
            rebuilt(place, tmp_path / "aside.jsonl")
    assert all(before[name].keys() <= state(place)[name].keys() for name in before)
    rebuilt(place, tmp_path / "aside.jsonl")
    assert said(state(place)) == said(state(laptop))
    assert {name: number for name, number in dumping.check(tmp_path / "aside.jsonl").items() if number} == {
        "adsorption_energies": 1
    }


def test_what_cannot_be_derived_stays(laptop: Path, place: str, tmp_path: Path) -> None:
    copied(laptop, place)
    with open_where(place, read_only=False) as database:
        database.calculations.remove_docs({"request.task": "clean", "request.method.calculator": "mock"})
        old = database.campaigns.query_one({"key": "old"})
        for site in old["campaign"]["sites"]:
            del site["states"]
        database.campaigns.update([old], key="key")
    before = state(place)
    done = rebuilt(place, tmp_path / "aside.jsonl")
    assert set(done.incomplete) == {"sieve", "shared", "old"}
    assert "ingest them again" in done.incomplete["old"]
    assert all(found.gone == 0 for found in done.collections.values())
    assert state(place) == before


# -- the command line --------------------------------------------------------------------------------------------------


def test_the_commands(laptop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cli: Cli) -> None:
    def call(*arguments: str | Path) -> Result:
        return CliRunner().invoke(app, [*map(str, arguments)], catch_exceptions=False)

    def ask(*arguments: str | Path) -> Any:
        return json.loads(call(*arguments, "--json").stdout)

    monkeypatch.chdir(tmp_path)
    looked = ask("db", "copy", laptop, "there", "--dry-run")
    assert not Path("there").exists()
    made = call("db", "copy", laptop, "there")
    assert f"to go on: atomsieve db copy {laptop} there" in made.stderr
    assert "documents copied" in made.stdout
    assert ask("db", "copy", laptop, "there")["collections"]["sites"]["there"] == looked["collections"]["sites"]["new"]
    with pytest.raises(InputError, match="are one database"):
        call("db", "copy", laptop, laptop / "atomsieve.sqlite")
    assert ask("db", "dump", "there", "all.jsonl.gz")["collections"]["campaigns"] == 3
    ask("db", "import", "all.jsonl.gz", "--database", "again")
    assert state("again") == state(laptop)
    done = ask("rebuild", "--database", "again")
    assert (done["incomplete"], done["collections"]["adsorption_energies"]["new"]) == ({}, 0)
    # the copy is a database like any other: what was run is found, and computes nothing
    (tmp_path / "sieve.yaml").write_bytes((laptop.parent / "sieve.yaml").read_bytes())
    monkeypatch.setenv("ATOMSIEVE_FOLDER", "again")
    assert "gone through 3 campaigns" in call("rebuild", "--dry-run").stdout
    # in a process of its own: workers of this one would look for the modules of later tests in this folder
    assert "nothing was computed" in cli("run", "sieve.yaml", cwd=tmp_path, ATOMSIEVE_FOLDER="again").stdout


def test_no_password_is_shown() -> None:
    assert shown("mongodb://ada:se@cret@server/atomsieve") == "mongodb://ada:***@server/atomsieve"
    assert shown("mongodb://server:27017/atomsieve") == "mongodb://server:27017/atomsieve"
