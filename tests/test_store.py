"""The embedded store: MongoDB's answers, nothing acknowledged is lost, many processes, a whole maggma Store."""

from __future__ import annotations

import copy
import json
import pickle
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pymongo
import pytest
from bson import ObjectId
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jobflow import Flow, JobStore, Response, job, run_locally
from maggma.core import Sort, StoreError, Validator
from maggma.stores import MemoryStore, MongoStore
from monty.json import MontyDecoder, MontyEncoder
from pymatgen.core import Lattice

from atomsieve.analysis.connections import UnsafeFilesystemWarning, filesystem_of, warn_if_unsafe
from atomsieve.analysis.projections import projection
from atomsieve.analysis.store import SQLiteStore

INDEXED = ("a", "b.c", "f")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SQLiteStore]:
    store = SQLiteStore(tmp_path / "results.db", "things", index_fields=INDEXED, durable=False)
    store.connect()
    yield store
    store.close()


@pytest.fixture(scope="session")
def collection(mongo: tuple[str, str]) -> Iterator[pymongo.collection.Collection]:
    uri, database = mongo
    with pymongo.MongoClient(uri) as client:
        yield client[database]["things"]


# ------------------------------------------------------------------------------------- the same answers as MongoDB

DAY = datetime(2026, 1, 1, 12)
# What the store promises: no 0 or 1 beside booleans, no array in an array, and so on, as its docstring says.
scalars = st.one_of(
    st.booleans(),
    st.sampled_from([-2, -1, 2, 3, 0.5, 2.0, 2.5, 1e20, 2**53 + 1, -(2**63)]),
    st.sampled_from(["", "x", "xy", "Y", "é", "a.b"]),
    st.sampled_from([DAY, DAY + timedelta(milliseconds=1), DAY - timedelta(days=40_000)]),
    st.sampled_from([ObjectId("0" * 24), ObjectId("f" * 24)]),
)
nullable = st.none() | scalars
objects = st.fixed_dictionaries({}, optional={"c": nullable | st.lists(nullable, max_size=3), "d": scalars})
values = st.one_of(nullable, objects, st.lists(nullable | objects, max_size=3))
documents = st.fixed_dictionaries(
    {"key": st.integers(2, 8)},
    optional={"a": values, "b": values, "e": st.lists(nullable, max_size=3) | nullable, "f": nullable, "g": nullable},
)
operators = st.one_of(
    st.tuples(st.sampled_from(["$eq", "$ne"]), values),
    st.tuples(st.sampled_from(["$gt", "$gte", "$lt", "$lte"]), scalars),
    st.tuples(st.sampled_from(["$in", "$nin"]), st.lists(nullable | objects, max_size=3)),
    st.tuples(st.just("$exists"), st.booleans()),
    st.tuples(st.just("$regex"), st.sampled_from(["^x", "y$", "x.", "b"])),
    st.tuples(st.just("$all"), st.lists(scalars, min_size=1, max_size=2)),
)
conditions = st.one_of(
    values.filter(lambda value: value != {}),
    st.lists(operators, min_size=1, max_size=2).map(dict),
    operators.map(lambda operator: {"$not": dict([operator])}),
    st.sampled_from([{"$gt": 0}, {"$in": [2, "x"]}, {"c": 2}, {"c": {"$exists": True}}]).map(
        lambda query: {"$elemMatch": query}
    ),
)
sizes = st.sampled_from([0, 2, 3]).map(lambda size: {"$size": size})


def finds_present_values(condition: Any) -> bool:
    """Whether a condition says nothing of null and absence, which mongomock judges otherwise along a path."""
    return not any(word in repr(condition) for word in ("None", "$exists", "$not"))


clauses = st.one_of(
    st.dictionaries(st.sampled_from(["key", "a", "b", "e", "f", "g", "missing"]), conditions, max_size=2),
    st.dictionaries(
        st.sampled_from(["b.c", "b.d", "a.c", "e.0", "b.c.d"]), conditions.filter(finds_present_values), max_size=2
    ),
    st.fixed_dictionaries({"e": sizes}),
)
filters = st.one_of(
    clauses,
    st.tuples(st.sampled_from(["$and", "$or", "$nor"]), st.lists(clauses, min_size=1, max_size=3)).map(
        lambda pair: dict([pair])
    ),
)
projections = st.one_of(
    st.none(),
    st.sampled_from(
        [["a"], ["b.c", "key"], {"b.c": 1, "b.d": 1, "_id": 0}, {"_id": 1}, {"_id": 0}, {"e": 1, "_id": 0}]
    ),
)


def same(found: list[Any], expected: list[Any]) -> None:
    """Compare without regard to order, and tell True from 1."""
    assert sorted(map(repr, map(canonical, found))) == sorted(map(repr, map(canonical, expected)))


def canonical(value: Any) -> Any:
    if isinstance(value, dict):
        return sorted((name, canonical(item)) for name, item in value.items())
    if isinstance(value, list):
        return [canonical(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


@pytest.mark.mongo
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(documents, min_size=1, max_size=8), st.lists(filters, min_size=1, max_size=6), projections, st.data())
def test_same_answers_as_mongodb(store, collection, contents, criteria_list, properties, data):
    mongo = MongoStore.from_collection(collection)
    mongo.key = "key"
    collection.delete_many({})
    store.remove_docs({})
    for number, document in enumerate(contents):
        # The same _id on both sides, except where a document replaces another and inherits it.
        known = collection.find_one({"key": document["key"]})
        identity = known["_id"] if known else ObjectId(f"{number:024x}")
        for side in (store, mongo):
            side.update(copy.deepcopy({"_id": identity, **document}))
    for criteria in criteria_list:
        same(list(store.query(criteria, properties)), list(mongo.query(criteria, properties)))
        assert store.count(criteria) == collection.count_documents(criteria)
        # SecantusDB returns nothing for a path through an array; MongoDB, and the next test, do.
        field = data.draw(st.sampled_from(["key", "a", "e"]))
        same(store.distinct(field, criteria), mongo.distinct(field, criteria))
    order = data.draw(
        st.dictionaries(st.sampled_from(["key", "f", "g", "missing"]), st.sampled_from([1, -1]), min_size=1, max_size=2)
    )
    order["key"] = 1  # makes it a total order
    skip, limit = data.draw(st.integers(0, 3)), data.draw(st.integers(0, 4))
    ours, theirs = (
        [document["key"] for document in side.query({}, sort=order, skip=skip, limit=limit)] for side in (store, mongo)
    )
    assert ours == theirs
    doomed = criteria_list[0]
    store.remove_docs(doomed)
    mongo.remove_docs(doomed)
    same(list(store.query()), list(mongo.query()))


def test_distinct_values_through_arrays(store):
    store.update([{"key": 1, "b": [{"c": 1}, {"c": [2, None]}, {"d": 3}]}, {"key": 2, "b": {"c": 1.0}}, {"key": 3}])
    same(store.distinct("b.c"), [1, 2, None])


@pytest.mark.mongo
def test_groups_are_those_of_mongodb(store, collection):
    collection.delete_many({})
    mongo = MongoStore.from_collection(collection)
    contents = [
        {"key": 1, "a": "x", "b": {"c": 1}},
        {"key": 2, "a": "x", "b": {"c": 2}},
        {"key": 3, "a": None},
        {"key": 4},
        {"key": 5, "a": [1, 2]},
    ]
    for side in (store, mongo):
        side.update([{"_id": document["key"], **document} for document in contents], key="key")
    for keys in ("a", ["a", "b.c"]):
        for properties in (None, ["key"]):
            groups = [list(side.groupby(keys, properties=properties)) for side in (store, mongo)]
            same(*([[key, sorted(d["key"] for d in docs)] for key, docs in found] for found in groups))


def test_null_means_missing_and_true_is_not_one(store):
    store.update([{"key": 1, "a": True}, {"key": 2, "a": 1}, {"key": 3, "a": None}, {"key": 4}, {"key": 5, "b": 5}])

    def keys(criteria: dict[str, Any]) -> list[int]:
        return sorted(document["key"] for document in store.query(criteria))

    assert keys({"a": 1}) == [2]
    assert keys({"a": True}) == [1]
    assert keys({"a": None}) == [3, 4, 5]
    assert keys({"a": {"$exists": True}}) == [1, 2, 3]
    assert keys({"b.c": None}) == [1, 2, 3, 4, 5]
    assert store.distinct("a", {"a": {"$exists": True}}) == [True, 1, None]


@pytest.mark.parametrize("wanted", ["texts", "numbers", "mixed"])
def test_a_list_of_ten_thousand_values(store, wanted):
    store.update([{"key": number, "a": f"k{number}", "e": number / 2} for number in range(500)])
    lists = {
        "texts": {"a": {"$in": [f"k{number}" for number in range(0, 20_000, 2)]}},
        "numbers": {"key": {"$in": list(range(0, 20_000, 2))}},
        "mixed": {"key": {"$in": [*(number * 1.0 for number in range(0, 20_000, 2)), *range(0, 40_000, 4), "x", None]}},
    }
    assert store.count(lists[wanted]) == 250
    assert len(list(store.query({**lists[wanted], "e": {"$lt": 50}}))) == 50


def test_a_list_of_more_values_than_sqlite_takes(store):
    store.update([{"key": number} for number in range(20)])
    assert store.count({"key": {"$in": list(range(1, 60_000, 2))}}) == 10
    assert store.count({"key": {"$nin": list(range(1, 60_000, 2))}}) == 10
    assert store.count({"key": {"$in": list(range(1, 300_000, 2))}}) == 10


def test_one_array_in_a_column_is_found_by_its_elements(store):
    store.update([{"key": 1, "a": "x", "b": {"c": 2}}, {"key": 2, "a": None}])
    assert [document["key"] for document in store.query({"a": {"$in": ["x", None]}})] == [1, 2]
    store.update([{"key": 3, "a": ["x", "y"], "b": [{"c": 2}, {"c": 3}]}])
    assert [document["key"] for document in store.query({"a": "x"})] == [1, 3]
    assert [document["key"] for document in store.query({"a": {"$in": ["y", None]}})] == [2, 3]
    assert [document["key"] for document in store.query({"b.c": 2})] == [1, 3]
    assert [document["key"] for document in store.query({}, sort={"a": 1})] == [2, 1, 3]
    store.remove_docs({"a": "y"})
    assert [document["key"] for document in store.query({}, sort={"a": -1})] == [1, 2]


@pytest.mark.parametrize("field", ["f", "g"])  # with a column, and without
def test_types_sort_in_the_order_of_bson(store, field):
    times = [DAY + timedelta(milliseconds=256**power) for power in range(5)]
    ordered = [-(2**40), -1, 0.5, 2, 2**53 + 1, "", "Y", "x", "é", ObjectId("0" * 24), ObjectId("f" * 24), False, True]
    ordered = [None, *ordered, DAY - timedelta(days=40_000), DAY, *times]
    store.update([{"key": key, field: ordered[key]} for key in reversed(range(len(ordered)))])
    assert [document[field] for document in store.query(sort={field: 1})] == ordered
    assert [document[field] for document in store.query(sort={field: Sort.Descending, "key": 1})] == ordered[::-1]


def test_the_key_leads_whatever_the_order_of_the_filter(store):
    store.update([{"key": f"k{number}", "a": "done", "e": number} for number in range(9)])
    criteria = {"a": "done", "key": {"$in": ["k1", "k2"]}, "e": {"$gt": 1}}
    (how,) = [step for step in store.plan(criteria) if "things" in step]
    assert "key=?" in how
    assert [document["key"] for document in store.query(criteria)] == ["k2"]


def test_unknown_operators_are_refused(store):
    for criteria in ({"a": {"$near": 1}}, {"e": {"$nonsense": 1}}, {"$nonsense": []}):
        with pytest.raises((pymongo.errors.OperationFailure, NotImplementedError)):
            list(store.query(criteria))


def test_operators_left_to_mongomock(store):
    store.update([{"key": 1, "e": "text"}, {"key": 2, "e": 4}])
    assert [document["key"] for document in store.query({"e": {"$type": "string"}})] == [1]
    assert [document["key"] for document in store.query({"$expr": {"$gt": ["$key", 1]}})] == [2]


def test_projections_that_overlap_or_mix_are_refused():
    for properties in (["a", "a.b"], {"a": 1, "b": 0}, {"a": 0}, {"a": {"$slice": 1}}):
        with pytest.raises(StoreError):
            projection(properties)


# ----------------------------------------------------------------------------------------------- a whole maggma Store


def test_update_replaces_what_the_key_matches_and_keeps_its_id(store):
    store.update({"key": "k", "a": 1, "old": True})
    first = store.query_one({"key": "k"})
    store.update({"key": "k", "a": 2})
    assert store.query_one({"key": "k"}) == {"_id": first["_id"], "key": "k", "a": 2}
    with pytest.raises(StoreError, match="leave _id out"):
        store.update({"key": "k", "_id": "another"})
    with pytest.raises(KeyError):
        store.update({"a": 3})


def test_a_failed_update_leaves_nothing_behind(store):
    assert store.ensure_index("name", unique=True)
    store.update({"key": 1, "name": "taken"})
    with pytest.raises(StoreError, match="nothing was updated"):
        store.update([{"key": 2, "name": "free"}, {"key": 3, "name": "taken"}])
    assert store.distinct("key") == [1]
    store.update([{"key": 4, "e": 1}, {"key": 5, "name": "other", "e": 1}])
    assert not store.ensure_index("e", unique=True)


def test_declared_key_of_two_fields_is_unique_in_the_file(tmp_path):
    with SQLiteStore(tmp_path / "a.db", "jobs", key=["uuid", "index"]) as store:
        store.update(
            [{"uuid": "u", "index": 1, "v": 1}, {"uuid": "u", "index": 2, "v": 1}, {"uuid": "u", "index": 1, "v": 2}]
        )
        assert sorted((d["index"], d["v"]) for d in store.query()) == [(1, 2), (2, 1)]
        with pytest.raises(StoreError, match="UNIQUE"):
            store.update({"uuid": "u", "index": 1, "v": 2, "other": 1}, key=["uuid", "other"])


def test_two_documents_of_one_key_are_refused_by_the_file(tmp_path):
    with SQLiteStore(tmp_path / "a.db", "things") as store:
        store.update([{"key": 1, "other": 1}, {"other": 2}, {"other": 3}], key="other")
        with pytest.raises(StoreError, match="UNIQUE"):
            store.update({"key": 1, "other": 4}, key="other")
        assert store.count() == 3


def test_job_store_keeps_uuid_and_index_unique(tmp_path):
    jobs = JobStore(SQLiteStore(tmp_path / "a.db", "jobs", key=["uuid", "index"]))
    for store in (jobs, JobStore.from_dict(jobs.as_dict()), pickle.loads(pickle.dumps(jobs))):
        with store:
            store.update([{"uuid": "u", "index": number, "output": number} for number in (1, 2)])
            with pytest.raises(StoreError, match=r"UNIQUE constraint failed: jobs\.uuid, jobs\.index"):
                store.update({"uuid": "u", "index": 1, "output": "other"}, key=["uuid", "output"])
            assert store.count() == 2


def test_what_is_no_bson_is_made_so_as_in_a_mongo_store(store):
    document = {
        "key": Path("k"),
        "a": np.float64(1.5),
        "array": np.arange(3),
        "true": np.bool_(True),
        3: (1, 2),
        "lattice": Lattice.cubic(2.0),
        "uuid": UUID(int=1),
    }
    store.update(document)
    with MemoryStore(key="key") as memory:
        memory.update(document)
        expected = memory.query_one({}, {"_id": 0})
    assert store.query_one({"key": "k", "a": 1.5}, {"_id": 0}) == expected
    assert Lattice.from_dict(expected["lattice"]) == Lattice.cubic(2.0)
    assert set(document) == {"key", "a", "array", "true", 3, "lattice", "uuid"}


def test_index_added_later_is_filled_and_used_by_a_store_opened_before(tmp_path):
    path = tmp_path / "a.db"
    with SQLiteStore(path, "things") as early, SQLiteStore(path, "things") as late:
        early.update([{"key": number, "Name": f"n{number % 3}", "name": "lower"} for number in range(9)])
        assert late.ensure_index("Name")
        assert late.ensure_index("name")
        early.update({"key": 9, "Name": "n0", "name": "lower"})
        assert late.count({"Name": "n0"}) == early.count({"Name": "n0"}) == 4
        assert late.count({"name": "lower", "Name": "n1"}) == 3


def test_serialises_and_pickles(tmp_path):
    store = SQLiteStore(tmp_path / "a.db", "things", key=["uuid", "index"], index_fields=["a"], durable=False)
    twins = [
        SQLiteStore.from_dict(store.as_dict()),
        json.loads(json.dumps(store, cls=MontyEncoder), cls=MontyDecoder),
        pickle.loads(pickle.dumps(store)),
        copy.deepcopy(store),
    ]
    for twin in twins:
        assert twin == store
        assert hash(twin) == hash(store)
        assert (twin.key, twin.index_fields, twin.durable) == (["uuid", "index"], ("a",), False)
    assert store != SQLiteStore(tmp_path / "b.db", "things")
    assert store != MemoryStore()


def test_path_is_that_of_the_folder_where_it_was_made(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = SQLiteStore("a.db", "things")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    with store:
        store.update({"key": 1})
    assert (tmp_path / "a.db").exists()


def test_refusals_say_what_to_do(tmp_path):
    with pytest.raises(ValueError, match="MemoryStore"):
        SQLiteStore(":memory:", "things")
    with pytest.raises(ValueError, match="collection_name"):
        SQLiteStore(tmp_path / "a.db", "a;b")
    with pytest.raises(StoreError, match="connect"):
        SQLiteStore(tmp_path / "a.db", "things").count()
    with pytest.raises(StoreError, match="folder"):
        SQLiteStore(tmp_path / "no" / "a.db", "things").connect()
    (tmp_path / "text").write_text("no database " * 100)
    with pytest.raises(StoreError, match="SQLite file"):
        SQLiteStore(tmp_path / "text", "things").connect()
    with pytest.raises(StoreError, match="pymongo"):
        _ = SQLiteStore(tmp_path / "a.db", "things")._collection


def test_last_updated_and_newer_in(tmp_path):
    with SQLiteStore(tmp_path / "a.db", "old") as old, SQLiteStore(tmp_path / "a.db", "new") as new:
        assert old.last_updated == datetime.min
        old.update([{"key": number, "last_updated": DAY} for number in range(3)])
        new.update([{"key": number, "last_updated": DAY + timedelta(hours=number)} for number in range(4)])
        assert old.last_updated == DAY
        assert sorted(old.newer_in(new)) == [1, 2, 3]
        assert sorted(old.newer_in(new, exhaustive=True)) == [1, 2, 3]


def test_validator(tmp_path):
    class Positive(Validator):
        strict = False

        def is_valid(self, doc):
            return doc["a"] > 0

        def validation_errors(self, doc):
            return [f"a={doc['a']}"]

    with SQLiteStore(tmp_path / "a.db", "things", validator=Positive()) as store:
        store.update([{"key": 1, "a": 1}, {"key": 2, "a": -1}])
        assert store.distinct("key") == [1]
        store.validator.strict = True
        with pytest.raises(ValueError, match="a=-1"):
            store.update({"key": 2, "a": -1})


def test_reading_on_while_writing(store):
    store.update([{"key": number, "a": 0} for number in range(50)])
    for document in store.query({"a": 0}):
        store.update({**document, "a": 1})
        assert store.query_one({"key": document["key"]})["a"] == 1
    assert store.count({"a": 1}) == 50


# --------------------------------------------------------------------------------------------------------- with jobflow


@job(blobs="big")
def add(a, b):
    return {"sum": a + b, "big": list(range(10))}


@job
def fan_out(total):
    more = [add(total, number) for number in range(3)]
    return Response(replace=Flow(more, output=[each.output["sum"] for each in more]))


@pytest.mark.filterwarnings("ignore:cd is deprecated:FutureWarning")
def test_jobflow_runs_on_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "jobs.db"
    jobs = JobStore(SQLiteStore(path, "jobs", key=["uuid", "index"]), {"blobs": SQLiteStore(path, "blobs")})
    first = add(1, 2)
    second = fan_out(first.output["sum"])
    last = add(second.output[0], second.output[2])
    run_locally(Flow([first, second, last]), store=jobs, ensure_success=True, log=False)
    jobs.close()
    with JobStore.from_dict(json.loads(json.dumps(jobs.as_dict(), cls=MontyEncoder))) as again:
        assert again.get_output(last.uuid)["sum"] == 8
        assert again.get_output(last.uuid, load=True)["big"] == list(range(10))
        assert again.get_output(second.uuid, which="last") == [3, 4, 5]
        indices = [document["index"] for document in again.query({"uuid": second.uuid}, sort={"index": -1})]
        assert indices == [2, 1]
        assert again.count() == 7
        assert again.additional_stores["blobs"].count() == 5
        again.remove_docs({"uuid": first.uuid})
        assert again.count() == 6
        assert again.additional_stores["blobs"].count() == 4


# ------------------------------------------------------------------------------------------- processes, forks and kills

WRITER = """
import sys
from atomsieve.analysis.store import SQLiteStore
path, name, start = sys.argv[1], sys.argv[2], int(sys.argv[3])
with SQLiteStore(path, "things") as store:
    for number in range(start, start + 100_000):
        store.update({"key": f"{name}{number}", "text": "x" * 5000})
        print(number, flush=True)
"""


@pytest.mark.faults
def test_sigkill_loses_nothing_acknowledged(tmp_path):
    path, acknowledged = tmp_path / "a.db", -1
    for attempt in range(4):
        first = acknowledged + 1
        command = [sys.executable, "-c", WRITER, str(path), "k", str(first)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            for line in writer.stdout:
                acknowledged = int(line)
                if acknowledged - first >= 40 + 7 * attempt:
                    break
            time.sleep(0.01 * attempt)
            writer.send_signal(signal.SIGKILL)
            acknowledged = max([acknowledged, *(int(line) for line in writer.stdout if line.endswith("\n"))])
        assert writer.returncode == -signal.SIGKILL
        with SQLiteStore(path, "things") as store:
            kept = set(store.distinct("key"))
            assert {f"k{number}" for number in range(acknowledged + 1)} <= kept
            assert len(kept) == store.count() <= acknowledged + 2
    assert acknowledged >= 100


TWO_AT_ONCE = """
import sys, time
from pathlib import Path
from atomsieve.analysis.store import SQLiteStore
path, name = sys.argv[1:]
folder = Path(path).parent
(folder / f"{name}.ready").touch()
while len(list(folder.glob("*.ready"))) < 2:
    time.sleep(0.001)
with SQLiteStore(path, "things") as store:
    for number in range(800):
        store.update([{"key": f"{name}{number}"}, {"key": f"shared{number}", "by": name}])
"""


@pytest.mark.faults
def test_processes_that_write_at_once_lose_nothing_and_make_no_duplicates(tmp_path):
    path = tmp_path / "a.db"
    writers = [subprocess.Popen([sys.executable, "-c", TWO_AT_ONCE, str(path), name]) for name in ("left", "right")]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    with SQLiteStore(path, "things") as store:
        keys = [document["key"] for document in store.query()]
        assert len(keys) == 2400
        assert set(keys) == {f"{name}{number}" for name in ("left", "right", "shared") for number in range(800)}


FORK = """
import os, sys
from maggma.core import StoreError
from atomsieve.analysis.store import SQLiteStore
store = SQLiteStore(sys.argv[1], "things")
store.connect()
store.update([{"key": number} for number in range(10)])
reading = store.query()
next(reading)
store.count()  # leaves a second connection idle
child = os.fork()
if child == 0:
    try:
        next(reading)
    except StoreError:
        assert not store._connections._idle  # neither those that were idle at the fork, nor that of the query
        store.update({"key": "child"})
        store.close()
        sys.exit(0)
    sys.exit(2)
store.update({"key": "parent"})
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert len(list(reading)) == 9  # the parent's snapshot goes on
store.update({"key": "after"})
assert store.count() == 13, store.count()
store.close()
"""


def test_nothing_crosses_a_fork(tmp_path):
    path = tmp_path / "a.db"
    subprocess.run([sys.executable, "-W", "ignore", "-c", FORK, str(path)], check=True, timeout=60)
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


def test_threads_share_a_store(store):
    def write(name: str) -> None:
        for number in range(25):
            store.update({"key": f"{name}{number}"})
            assert store.query_one({"key": f"{name}{number}"})

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, "abcd"))
    assert store.count() == 100


# ------------------------------------------------------------------------------------------------------- file systems

MOUNTS = """
/dev/sda1 / ext4 rw,relatime 0 0
server:/home /home nfs4 rw 0 0
/dev/sdb1 /home/scratch xfs rw 0 0
mds@tcp:/work /my\\040work lustre rw 0 0
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/tmp/a.db", "ext4"),
        ("/home/me/a.db", "nfs4"),
        ("/home/scratch/me/a.db", "xfs"),
        ("/home/scratchy/a.db", "nfs4"),
        ("/my work/a.db", "lustre"),
    ],
)
def test_file_system_is_that_of_the_innermost_mount(path, kind):
    assert filesystem_of(Path(path), MOUNTS) == kind


def test_network_file_systems_are_warned_of(tmp_path):
    with pytest.warns(UnsafeFilesystemWarning, match="nfs4 file system"):
        warn_if_unsafe(tmp_path / "a.db", f"server:/x {tmp_path} nfs4 rw 0 0")
    warn_if_unsafe(tmp_path / "a.db", f"/dev/sda1 {tmp_path} ext4 rw 0 0")
