"""FireWorks: a campaign through the LaunchPad ends as one that was run here, and shows and runs nothing else."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymongo
import pytest
from jobflow import Flow
from jobflow.core.job import store_inputs

from atomsieve.analysis.database import Database
from atomsieve.structures.errors import UntrustedError
from atomsieve.structures.task import TaskState
from atomsieve.workflows.campaigns import load
from atomsieve.workflows.clusters.scheduler import Scheduler
from atomsieve.workflows.dispatch import Dispatch
from atomsieve.workflows.engines import open_engine
from atomsieve.workflows.fireworks.launchpad import LaunchPadEngine, more, pull
from atomsieve.workflows.flowrun import decode_trusted, encode
from atomsieve.workflows.replay import Parcel
from atomsieve.workflows.runner import Runner
from atomsieve.workflows.settings import Settings
from atomsieve.workflows.watch import Watch

pytestmark = pytest.mark.mongo

CAMPAIGN = """\
name: NAME
sites:
  - {family: graphene, metals: [METALS], coordination: N4}
reactions: [HER]
method: {calculator: mock}
relaxation: {max_steps: 60}
poses: {most: 1}
"""
WORKER = """\
name: lab
scheduler: none
folder: FOLDER/worker
secrets: FOLDER/secrets
environment: {ATOMSIEVE_HEARTBEAT: "1", ATOMSIEVE_LEASE: "5"}
kinds:
  cheap: {walltime: "00:10:00", workers: 2, cores: 2, jobs: 2, idle: 5}
"""
VARYING = {"_id", "last_updated", "provenance"}
#: Part of the URI, as a password is.
SECRET = "planted-secret-5f2a"


@dataclass
class Lab:
    """A worker without a scheduler, and the database that it shares with whoever submits."""

    folder: Path
    uri: str
    name: str
    database: Database
    settings: Settings

    @property
    def engine(self) -> LaunchPadEngine:
        made = open_engine("fireworks", str(self.folder / "lab.yaml"), self.database, self.settings)
        assert isinstance(made, LaunchPadEngine)
        return made

    @property
    def starts(self) -> list[str]:
        log = self.folder / "worker" / "starts.log"
        return [line.split()[1] for line in log.read_text().splitlines()] if log.exists() else []

    def dispatch(self, name: str, metals: str, calculator: str = "mock") -> Dispatch:
        text = CAMPAIGN.replace("NAME", name).replace("METALS", metals).replace("mock", calculator)
        (self.folder / f"{name}.yaml").write_text(text, encoding="utf-8")
        checked = load(self.folder / f"{name}.yaml", self.settings)
        return Dispatch(checked, self.database, self.engine, Watch())

    def parcel(self, name: str, metals: str) -> Parcel:
        """Return the first parcel of a campaign, handed to nobody."""
        found: list[Parcel] = []
        work = self.dispatch(name, metals)
        engine = work.engine
        work.engine = Collecting(engine, found)
        work.submit()
        return found[0]

    def work(self) -> int:
        """Run all jobs in this process; return how many."""
        worker, count = self.engine.described, 0
        while pull(worker, "cheap") or more(worker, "cheap"):
            count += 1
        return count


class Collecting:
    """An engine that keeps what it is given."""

    def __init__(self, engine: LaunchPadEngine, found: list[Parcel]) -> None:
        self._engine, self.add = engine, found.append

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name) if name != "start" else list


@pytest.fixture(scope="module")
def made(mongo: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("fireworks")
    uri, name = f"{mongo[0]}{'&' if '?' in mongo[0] else '/?'}appName={SECRET}", f"{mongo[1]}_fw"
    secrets = folder / "secrets"
    secrets.touch(mode=0o600)
    secrets.write_text(f"ATOMSIEVE_MONGODB_URI='{uri}'\nATOMSIEVE_MONGODB_DATABASE={name}\n")
    (folder / "lab.yaml").write_text(WORKER.replace("FOLDER", str(folder)))
    settings = Settings(
        folder=folder / "data",
        mongodb_uri=uri,
        mongodb_database=name,
        heartbeat=1.0,
        lease=5.0,  # type: ignore[arg-type]
    )
    with Database.mongodb(uri, name) as database:
        yield Lab(folder, uri, name, database, settings)
    with pymongo.MongoClient(uri) as client:
        client.drop_database(name)


@pytest.fixture
def lab(made: Lab, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """The lab, for jobs that run in this process too."""
    monkeypatch.setenv("ATOMSIEVE_MONGODB_URI", made.uri)
    monkeypatch.setenv("ATOMSIEVE_MONGODB_DATABASE", made.name)
    monkeypatch.setenv("ATOMSIEVE_FOLDER", str(made.folder / "worker"))
    monkeypatch.setenv("ATOMSIEVE_HEARTBEAT", "1")
    monkeypatch.setenv("ATOMSIEVE_LEASE", "5")
    monkeypatch.chdir(made.folder)
    # pilots of the test before would take along what this one means to run itself
    until(lambda: not Scheduler(made.engine.described).mine())
    return made


def contents(database: Database, keys: set[str] | None = None) -> dict[str, dict[str, Any]]:
    return {
        name: {
            document["key"]: {field: value for field, value in document.items() if field not in VARYING}
            for document in getattr(database, name).query({})
            if keys is None or document["key"] in keys
        }
        for name in ("calculations", "adsorption_energies", "reaction_results")
    }


def run_here(name: str, metals: str, folder: Path) -> tuple[dict[str, dict[str, Any]], list[dict[str, Any]]]:
    folder.mkdir()
    (folder / "c.yaml").write_text(CAMPAIGN.replace("NAME", name).replace("METALS", metals), encoding="utf-8")
    checked = load(folder / "c.yaml", Settings(folder=folder / "data"))
    with Database.embedded(checked.folder.database) as embedded:
        Runner(checked, embedded, 2, Watch()).run()
        return contents(embedded), list(embedded.calculations.query({}))


def until(condition: Callable[[], bool], seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it does not come"
        time.sleep(0.2)


@pytest.mark.slow
def test_a_campaign_through_pilots_equals_the_local_engine(lab: Lab, tmp_path: Path) -> None:
    here, documents = run_here("whole", "Fe, Tc", tmp_path / "here")
    # what another campaign has left in the database is not calculated again: the gas, and one start of a clean site
    cached = [next(one for one in documents if one["request"]["task"] == task) for task in ("molecule", "clean")]
    lab.database.ingest([{k: v for k, v in one.items() if k not in ("_id", "last_updated")} for one in cached])
    work = lab.dispatch("whole", "Fe, Tc")
    first = work.submit()
    assert first.added >= 2
    assert any("is submitted" in line for line in first.lines), first.lines
    until(lambda: work.recover().is_closed)
    keys = {key for documents_ in here.values() for key in documents_}
    assert contents(lab.database, keys) == here
    assert any(one["status"] == "failed" for one in here["calculations"].values())
    # each calculation was begun once, and what was known not at all
    assert sorted(lab.starts) == sorted(here["calculations"].keys() - {one["key"] for one in cached})
    # what a person sees of it in FireWorks' own tools
    launchpad = lab.engine.launchpad
    names = {one["name"] for one in launchpad.fireworks.find({"spec.campaign": "whole"})}
    assert {"clean Fe-N4@graphene-4x4", "H* on Tc-N4@graphene-4x4"} <= names
    # the last job of a flow only gathers what is known by then
    until(lambda: {one["state"] for one in launchpad.workflows.find({"metadata.campaign": "whole"})} == {"COMPLETED"})
    workflows = {one["name"] for one in launchpad.workflows.find({"metadata.campaign": "whole"})}
    assert workflows >= {"whole/Fe-N4@graphene-4x4", "whole/Tc-N4@graphene-4x4"}
    tasks = {task.subject: task for task in lab.database.tasks.find("whole") if not task.is_flow}
    assert {key: str(task.state) for key, task in tasks.items()} == {
        key: one["status"] for key, one in here["calculations"].items()
    }
    begun = [task for key, task in tasks.items() if key in lab.starts]
    assert all(task.host and task.process and task.directory and task.began for task in begun)
    assert all(task.engine == "fireworks" and task.worker == "lab" for task in begun)
    # asked for again, nothing happens
    again = work.submit()
    assert (again.added, again.open, again.sites) == (0, 0, 2)


def test_each_number_is_given_out_once(lab: Lab) -> None:
    code = (
        "import json; from atomsieve.workflows.fireworks.launchpads import open_launchpad as o; "
        "from atomsieve.workflows.settings import read_settings; pad = o(read_settings()); "
        "print(json.dumps([pad.get_new_launch_id() for _ in range(60)] + [pad.get_new_fw_id(2) for _ in range(60)]))"
    )
    processes = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) for _ in range(3)]
    found = [json.loads(process.communicate(timeout=120)[0]) for process in processes]
    launches = [number for numbers in found for number in numbers[:60]]
    fireworks = [number + place for numbers in found for number in numbers[60:] for place in (0, 1)]
    assert len(set(launches)) == len(launches) == 180
    assert len(set(fireworks)) == len(fireworks) == 360


def test_two_submissions_at_once_hand_over_once(lab: Lab) -> None:
    errors: list[BaseException] = []

    def submit(work: Dispatch) -> None:
        try:
            work.engine = Collecting(lab.engine, [])  # type: ignore[arg-type]
            work.engine.add = lab.engine.add  # type: ignore[method-assign]
            work.submit()
        except BaseException as error:
            errors.append(error)

    works = [lab.dispatch("twice", "Co"), lab.dispatch("twice", "Co")]
    threads = [threading.Thread(target=submit, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    flows = [one["metadata"]["flow"] for one in lab.engine.launchpad.workflows.find({"metadata.campaign": "twice"})]
    assert len(flows) == len(set(flows)) >= 1
    # past the lease of a campaign too: each flow has one slot
    parcel = lab.parcel("twice2", "Pd")
    engines = [lab.engine for _ in range(4)]
    threads = [threading.Thread(target=engine.add, args=(parcel,)) for engine in engines]
    parcels = [decode_trusted(encode(parcel.flow)) for _ in engines]
    threads = [
        threading.Thread(target=engine.add, args=(Parcel(**{**vars(parcel), "flow": flow}),))
        for engine, flow in zip(engines, parcels, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert lab.engine.launchpad.workflows.count_documents({"metadata.flow": parcel.key}) == 1
    assert lab.engine.active([parcel.key]) == {parcel.key}
    lab.work()
    assert lab.engine.active([parcel.key]) == set()


@pytest.mark.slow
def test_fireworks_own_rlaunch_runs_what_was_handed_over(lab: Lab) -> None:
    work = lab.dispatch("stock", "Ni")
    work.engine.start = list  # type: ignore[method-assign]
    work.submit()
    from atomsieve.workflows.fireworks.stock import write_files

    (folder,) = write_files(lab.engine.described, lab.settings)
    assert stat.S_IMODE((folder / "my_launchpad.yaml").stat().st_mode) == 0o600
    rlaunch = Path(sys.executable).parent / "rlaunch"
    here = lab.folder / "rlaunch"
    here.mkdir()
    files = ["-l", str(folder / "my_launchpad.yaml"), "-w", str(folder / "cheap" / "my_fworker.yaml")]
    result = subprocess.run(
        [str(rlaunch), *files, "rapidfire", "--sleep", "1"],
        cwd=here,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert SECRET not in result.stdout + result.stderr
    assert work.recover().is_closed


def test_what_was_cancelled_or_held_back_waits_for_a_person(lab: Lab) -> None:
    parcel = lab.parcel("held", "Cu")
    engine = lab.engine
    engine.add(parcel)
    count = len(list(engine.views("held")))
    assert engine.pause("held", None) == count
    assert not pull(engine.described, "cheap")
    assert engine.active([parcel.key]) == {parcel.key}
    assert engine.resume("held", None) == count
    subject = next(view.subject for view in engine.views("held") if view.subject and view.state == TaskState.QUEUED)
    assert engine.cancel("held", {subject}) == 1
    lab.work()
    states = {view.subject: view.state for view in engine.views("held") if view.subject}
    assert states[subject] == TaskState.CANCELLED
    assert TaskState.DONE in states.values() or len(states) == 1
    assert engine.active([parcel.key]) == set()
    assert engine.retry("held", {subject}) == 1
    assert engine.active([parcel.key]) == {parcel.key}
    lab.work()
    assert {view.state for view in engine.views("held")} == {TaskState.DONE}


@pytest.mark.slow
def test_what_runs_stops_where_it_is_and_goes_on_from_there(lab: Lab) -> None:
    work = lab.dispatch("stopped", "Mn", "mock, settings: {seconds_per_force_call: 0.3}")
    engine = lab.engine
    work.submit()

    def checkpointed() -> list[str]:
        return [
            view.subject
            for view in engine.views("stopped")
            if view.state == TaskState.RUNNING
            and view.subject
            and Path(view.directory or "", "checkpoint.json").exists()
        ]

    until(lambda: bool(checkpointed()))
    subject = checkpointed()[0]
    assert engine.cancel("stopped", {subject}) == 1
    launches = engine.launchpad.launches

    def is_over() -> bool:
        firework = engine.launchpad.fireworks.find_one({"spec.key": subject})
        return bool(launches.find_one({"launch_id": firework["launches"][-1]})["state"] == "FIZZLED")

    until(is_over, 20)
    (view,) = [view for view in engine.views("stopped") if view.subject == subject]
    assert view.state == TaskState.CANCELLED
    assert (Path(view.directory or "") / "checkpoint.json").exists()
    assert lab.database.known([subject]) == {}
    assert engine.retry("stopped", {subject}) == 1
    until(lambda: work.recover().is_closed)
    assert lab.starts.count(subject) == 2
    assert lab.database.known([subject])[subject]["status"] == "done"


#: A worker that dies where FireWorks has written the fireworks of a workflow and not yet the workflow itself.
DYING = """\
import os, signal, sys
from pathlib import Path
from fireworks import LaunchPad
from atomsieve.workflows.clusters.cluster import read_worker
from atomsieve.workflows.fireworks.launchpad import more, pull
from atomsieve.workflows.watch import Watch
from atomsieve.workflows.settings import read_settings

write = LaunchPad._upsert_fws
def die(self, fws, reassign_all=False):
    ids = write(self, fws, reassign_all)
    if len(fws) > 1 and any(fw.state == "COMPLETED" for fw in fws) and any(old < 0 for old in ids):
        os.kill(os.getpid(), signal.SIGKILL)
    return ids
LaunchPad._upsert_fws = die

worker = read_worker(sys.argv[1], read_settings())
while pull(worker, "cheap") or more(worker, "cheap"):
    pass
"""


@pytest.mark.faults
def test_a_workflow_that_fireworks_wrote_in_part_is_completed(lab: Lab, fault: Callable[..., None]) -> None:
    work = lab.dispatch("torn", "Zn")
    work.engine.start = list  # type: ignore[method-assign]
    work.submit()
    launchpad = lab.engine.launchpad
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", DYING, str(lab.folder / "lab.yaml")]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == -signal.SIGKILL, result.stderr
    assert launchpad.workflows.find_one({"metadata.campaign": "torn", "locked": True})
    acts: list[str] = []

    def is_whole() -> bool:
        acts.extend(lab.engine.mend("torn"))
        return any("is completed" in act for act in acts)

    until(is_whole, 30)
    assert any("lock" in act for act in acts), acts
    lab.work()
    assert work.recover().is_closed
    here = {view.subject for view in lab.engine.views("torn") if view.subject}
    assert {view.state for view in lab.engine.views("torn")} == {TaskState.DONE}
    assert all(lab.starts.count(key) == 1 for key in here if key in lab.starts)
    # what was written for it and belonged to nothing is gone
    nodes = {node for one in launchpad.workflows.find({"metadata.campaign": "torn"}) for node in one["nodes"]}
    assert {one["fw_id"] for one in launchpad.fireworks.find({"spec.campaign": "torn"})} == nodes
    fault(engine="fireworks", fault="kill -9 while a workflow is written", outcome="completed from what was written")


def test_documents_over_16_megabytes_come_and_go_whole(lab: Lab, fault: Callable[..., None]) -> None:
    trajectory = [[0.1234567890123456 * step, 0.5, 0.25] for step in range(600_000)]
    document = {"key": "f" * 64, "status": "done", "request": {"task": "clean"}, "trajectory": trajectory}
    assert len(json.dumps(document)) > 16 * 2**20
    lab.database.ingest([document])
    lab.database.ingest([document])
    found = lab.database.known(["f" * 64])["f" * 64]
    assert {name: found[name] for name in document} == document
    blobs = lab.database.calculations._collection.database["blobs.files"]
    assert blobs.count_documents({}) == 1
    # a job whose text is as large, at submission, and its output at completion
    job = store_inputs("x" * (17 * 2**20))
    job.update_metadata({"campaign": "large", "flow": "large", "site": "none", "stage": None})
    lab.engine.add(Parcel("large", "large", None, "none", "site", Flow([job]), ()))
    lab.work()
    (view,) = lab.engine.views("large")
    assert view.state == TaskState.DONE, view.reason
    assert lab.database.outputs([job.uuid])[job.uuid][1] == "x" * (17 * 2**20)
    fault(engine="fireworks", fault="a document over 16 MB, handed over and stored", outcome="comes and goes whole")


def test_nothing_that_is_not_ours_is_executed(lab: Lab) -> None:
    victim = lab.folder / "executed"
    for value in (
        {"@module": "subprocess", "@callable": "getoutput", "@bound": None},
        {"@module": "pathlib", "@class": "Path", "path": str(victim)},
        {"a": [{"@module": "atomsieve.workflows.local", "@class": "Path"}]},
        {"@module": "atomsieve.workflows.folder", "@callable": "file_stem"},
        {"@module": "atomsieve.workflows.nowhere", "@class": "Nothing"},
    ):
        with pytest.raises(UntrustedError):
            decode_trusted(json.dumps(value))
    assert decode_trusted(encode(store_inputs(1))).function is store_inputs
    # a firework of somebody else in the same LaunchPad, and one that looks like ours and is not
    from fireworks import Firework
    from fireworks.user_objects.firetasks.script_task import ScriptTask

    launchpad = lab.engine.launchpad
    spec = {"_category": "cheap", "_fworker": "lab"}
    launchpad.add_wf(Firework([ScriptTask.from_str(f"touch {victim}")], spec=spec))
    job = store_inputs("x" * 10)
    job.update_metadata({"campaign": "foreign", "flow": "foreign", "site": "none", "stage": None})
    lab.engine.add(Parcel("foreign", "foreign", None, "none", "site", Flow([job]), ()))
    text = json.loads(encode(job))
    text["function"] = {"@module": "os", "@callable": "system", "@bound": None}
    text["function_args"] = [f"touch {victim}"]
    where = {"spec.campaign": "foreign"}
    launchpad.fireworks.update_one(where, {"$set": {"spec._tasks.0.job": json.dumps(text)}})
    while pull(lab.engine.described, "cheap"):
        pass
    (view,) = lab.engine.views("foreign")
    assert (view.state, "os.system" in str(view.reason)) == (TaskState.FAILED, True), view
    assert not victim.exists()
    launchpad.fireworks.delete_many({"spec.campaign": {"$exists": False}})


def test_the_secret_is_nowhere_but_where_it_must_be(lab: Lab) -> None:
    """Runs last: it looks through all that the tests before have left."""
    with pymongo.MongoClient(lab.uri) as client:
        database = client[lab.name]
        names = database.list_collection_names()
        assert {"fireworks", "launches", "workflows", "jobs", "tasks", "calculations"} <= set(names)
        for name in names:
            for document in database[name].find():
                assert SECRET not in str(document), name
    allowed = {lab.folder / "secrets", lab.folder / "worker" / "fireworks" / "my_launchpad.yaml"}
    for path in lab.folder.rglob("*"):
        if path.is_file() and path not in allowed:
            assert SECRET.encode() not in path.read_bytes(), path
