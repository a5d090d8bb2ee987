"""Dispatch: what was handed to an engine elsewhere ends as if it were run here, and nothing is done twice."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from atomsieve.analysis.database import Database
from atomsieve.structures.errors import InputError
from atomsieve.structures.task import TaskState
from atomsieve.workflows.campaigns import load
from atomsieve.workflows.dispatch import Dispatch, Dispatched
from atomsieve.workflows.engine import JobView
from atomsieve.workflows.engines import open_engine
from atomsieve.workflows.folder import Folder
from atomsieve.workflows.local import LocalEngine
from atomsieve.workflows.replay import Parcel
from atomsieve.workflows.runner import Runner
from atomsieve.workflows.settings import Settings
from atomsieve.workflows.watch import Watch

pytestmark = pytest.mark.mongo

CAMPAIGN = """\
name: NAME
sites:
  - {family: graphene, metals: [Fe, Tc], coordination: N4}
reactions: [HER]
method: {calculator: mock}
relaxation: {max_steps: 60}
poses: {most: 1}
"""
STAGED = """\
name: NAME
sites:
  - {family: graphene, metals: [Ni, Cu, Ta], coordination: N4}
reactions: [HER]
poses: {most: 1}
stages:
  - {name: first, method: {calculator: mock}, where: "overpotential of HER < 0.9 V"}
  - {name: second, method: {calculator: mock}, relaxation: {fmax: 0.02, max_steps: 120}}
"""
VARYING = {"_id", "last_updated", "provenance"}


class Elsewhere:
    """An engine whose workers have a folder of their own and no database; it works when it is told to."""

    name = "fireworks"
    worker = "elsewhere"

    def __init__(self, folder: Path) -> None:
        self.folder = Folder(folder)
        self.parcels: dict[str, Parcel] = {}
        self.lock = threading.Lock()
        self.adds = 0

    def active(self, keys: Iterable[str]) -> set[str]:
        return self.parcels.keys() & set(keys)

    def add(self, parcel: Parcel) -> None:
        assert parcel.key not in self.parcels
        self.parcels[parcel.key] = parcel
        self.adds += 1

    def seed(self, documents: Iterable[Mapping[str, Any]]) -> None:
        for document in documents:
            self.folder.write(dict(document))

    def start(self) -> list[str]:
        return []

    def views(self, campaign: str) -> Iterator[JobView]:
        return iter(())

    def mend(self, campaign: str) -> Iterator[str]:
        return iter(())

    def fetch(self, keys: Iterable[str]) -> Iterator[dict[str, Any]]:
        return (document for key in keys if (document := self.folder.read(key)) is not None)

    def work(self) -> list[dict[str, Any]]:
        metadata: list[dict[str, Any]] = []
        engine = LocalEngine(self.folder, 2, on_start=lambda attempt: metadata.append(attempt.job.metadata))
        for run in engine.run([(parcel.key, parcel.flow) for parcel in self.parcels.values()]):
            assert not run.errors
            del self.parcels[run.tag]
        return metadata


@pytest.fixture
def database(mongo: tuple[str, str]) -> Iterator[Database]:
    with Database.mongodb(*mongo) as made:
        yield made
        stores = (made.calculations, made.adsorption_energies, made.reaction_results, made.stabilities)
        for store in (made.tasks.store, *stores):
            store.remove_docs({})


def contents(database: Database) -> dict[str, dict[str, Any]]:
    return {
        name: {
            document["key"]: {field: value for field, value in document.items() if field not in VARYING}
            for document in getattr(database, name).query({})
        }
        for name in ("calculations", "adsorption_energies", "reaction_results", "stabilities")
    }


def run_here(text: str, folder: Path) -> dict[str, dict[str, Any]]:
    folder.mkdir()
    (folder / "c.yaml").write_text(text, encoding="utf-8")
    checked = load(folder / "c.yaml", Settings(folder=folder / "data"))
    embedded = Database.embedded(checked.folder.database)
    with embedded:
        Runner(checked, embedded, 2, Watch()).run()
        return contents(embedded)


def dispatch(text: str, folder: Path, database: Database, engine: Any) -> Dispatch:
    folder.mkdir(exist_ok=True)
    (folder / "c.yaml").write_text(text, encoding="utf-8")
    return Dispatch(load(folder / "c.yaml", Settings(folder=folder / "data")), database, engine, Watch())


def test_what_was_handed_over_ends_as_if_it_were_run_here(database: Database, tmp_path: Path) -> None:
    text = CAMPAIGN.replace("NAME", "handed") + "descriptors: {electronic: true}\n"
    here = run_here(text, tmp_path / "here")
    engine = Elsewhere(tmp_path / "elsewhere")
    work = dispatch(text, tmp_path / "there", database, engine)
    first = work.submit()
    assert (first.added, first.open, first.sites) == (3, 3, 0)
    assert {parcel.kind for parcel in engine.parcels.values()} == {"site", "gas"}
    again = work.submit()
    assert (again.added, again.active, engine.adds) == (0, 3, 3)

    metadata = engine.work()
    for entry in metadata:
        # jobs that were made on the way carry it too
        assert {entry["campaign"], entry["site"]} <= {"handed", "H2", "Fe-N4@graphene-4x4", "Tc-N4@graphene-4x4"}
    assert {"clean", "adsorbed", "molecule", "electronic"} <= {entry.get("task") for entry in metadata}
    assert contents(database)["calculations"] == {}

    done = work.recover()
    assert (done.added, done.open, done.sites) == (0, 0, 2)
    assert contents(database) == here
    tasks = list(database.tasks.find("handed"))
    assert {task.state for task in tasks} == {TaskState.DONE, TaskState.FAILED}
    assert {task.subject for task in tasks if not task.is_flow} == here["calculations"].keys()
    failed = {task.subject for task in tasks if task.state == TaskState.FAILED}
    assert failed == {key for key, document in here["calculations"].items() if document["status"] == "failed"}
    assert failed
    # whoever asks again finds all of it
    assert work.submit().added == 0
    assert dispatch(text, tmp_path / "elsewhere again", database, engine).submit().sites == 2
    assert engine.adds == 3


def test_what_stability_stands_on_is_handed_over_too(database: Database, tmp_path: Path) -> None:
    text = CAMPAIGN.replace("NAME", "stable") + "stability: {metals: cohesive}\n"
    here = run_here(text, tmp_path / "here")
    assert len(here["stabilities"]) == 2
    engine = Elsewhere(tmp_path / "elsewhere")
    work = dispatch(text, tmp_path / "there", database, engine)
    # H2 and two free atoms; the hole, with and without H; each site, and each with a second atom
    assert work.submit().added == 3 + 2 + 2 * 2
    assert {parcel.kind for parcel in engine.parcels.values()} == {"site", "variant", "gas"}
    engine.work()
    assert (work.recover().open, work.recover().sites) == (0, 2)
    assert contents(database) == here
    assert work.submit().added == 0


def test_what_is_known_already_is_put_where_workers_look(database: Database, tmp_path: Path) -> None:
    text = CAMPAIGN.replace("NAME", "seeded")
    engine = Elsewhere(tmp_path / "elsewhere")
    work = dispatch(text, tmp_path / "there", database, engine)
    here = run_here(text, tmp_path / "here")
    clean = [document for document in here["calculations"].values() if document["request"]["task"] != "adsorbed"]
    database.ingest([{**document, "provenance": {}} for document in clean])
    found = work.submit()
    # the gas is settled, so that no flow is left of it
    assert found.added == len(engine.parcels) > 0
    assert {parcel.kind for parcel in engine.parcels.values()} == {"site"}
    engine.work()
    begun = {line.split()[1] for line in engine.folder.starts.read_text().splitlines()}
    assert begun == {key for key, document in here["calculations"].items() if document["request"]["task"] == "adsorbed"}
    work.recover()
    assert contents(database)["calculations"].keys() == here["calculations"].keys()


def test_a_stage_follows_when_the_one_before_is_closed(database: Database, tmp_path: Path) -> None:
    text = STAGED.replace("NAME", "staged")
    here = run_here(text, tmp_path / "here")
    engine = Elsewhere(tmp_path / "elsewhere")
    work = dispatch(text, tmp_path / "there", database, engine)
    assert work.submit().added == 4
    assert {parcel.stage for parcel in engine.parcels.values()} == {"first"}
    engine.work()
    following = work.recover()
    assert following.added > 0
    assert {parcel.stage for parcel in engine.parcels.values()} == {"second"}
    engine.work()
    assert work.recover().is_closed
    assert contents(database) == here


def test_what_one_engine_has_no_other_gets(database: Database, tmp_path: Path) -> None:
    text = CAMPAIGN.replace("NAME", "engines")
    first, second = Elsewhere(tmp_path / "first"), Elsewhere(tmp_path / "second")
    second.name = "jobflow-remote"
    assert dispatch(text, tmp_path / "there", database, first).submit().added == 3
    work = dispatch(text, tmp_path / "there", database, second)
    for found in (work.submit(), work.recover()):
        assert (found.added, found.active, found.elsewhere) == (0, 0, 3)
    # cancelled there, it may go elsewhere
    flows = [task.subject for task in database.tasks.find("engines", kind=["site", "gas"])]
    database.tasks.change("engines", flows, state=TaskState.CANCELLED)
    assert work.submit().added == 3


def test_a_flow_that_ends_while_it_is_gone_through_is_not_handed_over_again(database: Database, tmp_path: Path) -> None:
    class EndsMeanwhile(Elsewhere):
        def fetch(self, keys: Iterable[str]) -> Iterator[dict[str, Any]]:
            found = list(super().fetch(keys))
            # its workers are done with everything just after the outcomes were looked for
            self.work()
            return iter(found)

    engine = EndsMeanwhile(tmp_path / "elsewhere")
    text = CAMPAIGN.replace("NAME", "meanwhile")
    first = Elsewhere(engine.folder.root)
    assert dispatch(text, tmp_path / "there", database, first).submit().added == 3
    engine.parcels = first.parcels
    again = dispatch(text, tmp_path / "there", database, engine).submit()
    assert (again.added, engine.adds) == (0, 0)
    assert again.active > 0
    assert dispatch(text, tmp_path / "there", database, engine).recover().is_closed


def test_two_submissions_at_once_hand_over_once(
    mongo: tuple[str, str], database: Database, tmp_path: Path, fault: Callable[..., None]
) -> None:
    text = CAMPAIGN.replace("NAME", "twice")
    engine = Elsewhere(tmp_path / "elsewhere")
    found: list[Dispatched] = []
    waited: list[str] = []

    def submit(number: int) -> None:
        with Database.mongodb(*mongo) as own:
            work = dispatch(text, tmp_path / f"from {number}", own, engine)
            work.on_wait = waited.append
            found.append(work.submit())

    threads = [threading.Thread(target=submit, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(entry.added for entry in found) == [0, 3]
    assert engine.adds == 3
    assert len(waited) <= 1
    fault(engine="any", fault="two submit at once", outcome="the second waits, and finds nothing to do")


def test_an_engine_of_the_cluster_refuses_a_database_that_is_a_file(tmp_path: Path) -> None:
    with (
        Database.embedded(tmp_path / "atomsieve.sqlite") as database,
        pytest.raises(InputError, match="ATOMSIEVE_MONGODB_URI"),
    ):
        open_engine("fireworks", "mycluster", database, Settings())


def test_an_unknown_engine_is_refused(tmp_path: Path) -> None:
    with (
        Database.embedded(tmp_path / "atomsieve.sqlite") as database,
        pytest.raises(InputError, match="did you mean 'fireworks'"),
    ):
        open_engine("firework", "mycluster", database, Settings())
