"""What people pull is found by an index, in a file and on a server, and never by a look at every row."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from atomsieve.analysis.database import Database

_SPEC = importlib.util.spec_from_file_location("rows", Path(__file__).parent.parent / "benchmarks" / "rows.py")
assert _SPEC is not None
assert _SPEC.loader is not None
pull = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(pull)

ROWS = 20_000


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with Database.embedded(tmp_path_factory.mktemp("pull") / "atomsieve.sqlite") as database:
        rows = database.adsorption_energies
        for start in range(0, ROWS, 2_000):
            rows.update([pull.row(number) for number in range(start, start + 2_000)])
        yield rows


@pytest.mark.parametrize(
    ("criteria", "sort", "index"),
    [
        (pull.PAGE, {"free": 1}, "adsorbate/superseded/free"),
        ({"adsorbate": "OH", "superseded": False}, {"free": -1, "key": 1}, "adsorbate/superseded/free"),
        ({"superseded": False}, {"free": 1}, "superseded/free"),
        ({"free": {"$gt": 0.3, "$lt": 0.301}, "superseded": False}, None, "superseded/free"),
        ({"key": "k", "superseded": False}, {"free": 1}, "key/unique"),
        ({"site.label": "Fe-N4@graphene-3", "superseded": False}, None, "site.label"),
        ({"tags": "paper", "superseded": False}, {"free": 1}, "PRIMARY KEY"),
    ],
)
def test_a_file_is_searched_by_an_index(embedded: Any, criteria: Any, sort: Any, index: str) -> None:
    plan = embedded.plan(criteria, sort)
    assert not any(step.startswith("SCAN") and "INDEX" not in step for step in plan), plan
    assert index in " ".join(plan), plan


def test_a_page_and_a_stream_are_those_of_a_look_at_every_row(embedded: Any) -> None:
    everything = [document for document in map(pull.row, range(ROWS)) if not document["superseded"]]
    wanted = [
        document
        for document in everything
        if {"Fe", "Co"}.intersection(document["site"]["metals"])
        and document["adsorbate"] == "OH"
        and 0.2 <= document["free"] <= 1.4
    ]
    expected = sorted(document["free"] for document in wanted)
    assert [free for (free,) in embedded.values(["free"], pull.PAGE, {"free": 1}, limit=50)] == expected[:50]
    assert sum(1 for _ in pull.flat(embedded)) == len(everything)
    assert sorted(embedded.distinct("site.metals", {"superseded": False})) == sorted(pull.METALS)


@pytest.mark.mongo
def test_a_server_is_searched_by_an_index(mongo: tuple[str, str]) -> None:
    with Database.mongodb(mongo[0], f"{mongo[1]}_pull") as database:
        collection = database.adsorption_energies._collection
        try:
            # the plan does not hang on their number, and the server of the tests takes its time
            collection.insert_many([pull.row(number) for number in range(1_000)])
            # that server, unlike MongoDB, takes an index only where it has every field of the filter
            for criteria in (
                {"adsorbate": "OH", "superseded": False},
                {"site.metals": {"$in": ["Fe", "Co"]}},
                {"superseded": False},
            ):
                plan = str(collection.find(criteria).sort("free", 1).explain()["queryPlanner"]["winningPlan"])
                assert "IXSCAN" in plan
        finally:
            collection.database.client.drop_database(f"{mongo[1]}_pull")
