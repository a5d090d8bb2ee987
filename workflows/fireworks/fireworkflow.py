"""FireWorkflow: a jobflow flow as a workflow of FireWorks, with names and categories that people can read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fireworks import Firework, Workflow
from fireworks.utilities.fw_serializers import load_object
from jobflow import Flow, Job, OnMissing

from atomsieve.analysis.blobs import Blobs
from atomsieve.structures.errors import InputError
from atomsieve.workflows.flowrun import encode, jobs_of
from atomsieve.workflows.folder import Folder

#: Category of jobs that calculate nothing: whoever is at work takes them along.
LIGHT = "light"
#: Characters of a job's text from which on it is kept apart: FireWorks reads and writes its documents often.
APART = 2**20
#: Metadata of a job that its firework shows.
SHOWN = ("campaign", "site", "stage", "flow", "key", "task", "calculator")
#: What FireWorks calls our task.
TASK = "{{atomsieve.workflows.fireworks.firetask.JobTask}}"
#: Which fireworks are ours: others may keep workflows of their own in the same LaunchPad.
OURS = {"spec._tasks.0._fw_name": TASK, "spec._tasks.1": {"$exists": False}}


@dataclass(frozen=True)
class Place:
    """Where fireworks run.

    Parameters
    ----------
    worker : str
        Name of the cluster; no other takes them.
    folder : str
        Where its results lie.
    kinds : mapping of str to str
        From a calculator to the kind of allocation on that cluster.
    """

    worker: str
    folder: str
    kinds: Mapping[str, str]

    def kind(self, calculator: str | None) -> str:
        """Return the category of a job.

        Raises
        ------
        InputError
            If the cluster has none for the calculator.
        """
        if not calculator:
            return LIGHT
        if calculator not in self.kinds:
            raise InputError(f"the worker {self.worker!r} has no kind for {calculator}; add one to its file")
        return self.kinds[calculator]


def to_workflow(
    flow: Flow, place: Place, blobs: Blobs, *, name: str = "", metadata: Mapping[str, Any] | None = None
) -> Workflow:
    """Turn a flow into a workflow.

    Parameters
    ----------
    flow : jobflow.Flow
        Its jobs carry campaign, site, stage and flow in their metadata.
    place : Place
        Where they run.
    blobs : Blobs
        Where texts go that are too large.
    name : str
        What people read; the flow's own unless given.
    metadata : mapping, optional
        Of the workflow.
    """
    made: dict[str, Firework] = {}
    for job, parents in jobs_of(flow):
        before = [made[uuid] for uuid in parents if uuid in made]
        made[job.uuid] = to_firework(job, place, blobs, parents=before)
    return Workflow(list(made.values()), name=name or flow.name, metadata=dict(metadata or {}))


def to_firework(
    job: Job, place: Place, blobs: Blobs, *, parents: list[Firework] | None = None, **more: Any
) -> Firework:
    """Turn a job into a firework; for the parameters see :func:`to_workflow`, ``more`` is added to its spec."""
    text = encode(job)
    meta = job.metadata
    spec: dict[str, Any] = {name: meta[name] for name in SHOWN if meta.get(name) is not None}
    spec |= {
        "uuid": job.uuid,
        "index": job.index,
        "kinds": dict(place.kinds),
        "_category": place.kind(meta.get("calculator")),
        "_fworker": place.worker,
        "_add_launchpad_and_fw_id": True,
        "_add_fworker": True,
        **more,
    }
    if meta.get("key") is not None:
        # a person who looks for what it does finds its log there
        spec["_launch_dir"] = str(Folder(place.folder).directory(meta["key"]))
    if job.config.on_missing_references != OnMissing.ERROR:
        # FireWorks would copy all of a parent that failed into this firework
        spec |= {"_allow_fizzled_parents": True, "_fizzled_parents": []}
    # by its name, as where it runs: the task turns what its job makes into fireworks with this very function
    task = load_object({"_fw_name": TASK, "job": text if len(text) < APART else blobs.put(text)})
    return Firework([task], spec=spec, name=job.name, parents=parents)
