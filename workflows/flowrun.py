"""FlowRun: how far one flow has come: which jobs may start, what they handed on, what they turned into."""

from __future__ import annotations

import importlib
import json
import warnings
from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from jobflow import Flow, Job
from jobflow.core.reference import OnMissing, find_and_get_references, find_and_resolve_references
from monty.json import MontyDecoder, MontyEncoder

from atomsieve.structures.errors import UntrustedError

#: Whose classes and jobs may come out of a database: ours and those that jobs are made of.
TRUSTED = ("atomsieve.", "jobflow.core.")
#: Data that has a type of its own.
PLAIN = frozenset({("numpy", "array"), ("datetime", "datetime"), ("uuid", "UUID")})


@dataclass
class _Node:
    job: Job
    waits: set[str]
    cancelled: bool = False


class FlowRun:
    """The state of one flow.

    A job is done when it has run and whatever it was replaced by, or detoured to, is done too.

    Parameters
    ----------
    flow : jobflow.Flow
        Jobs; taken over, not copied.
    tag : object
        The caller's own name for it.
    """

    def __init__(self, flow: Flow, tag: Any = None) -> None:
        self.flow = flow
        self.tag = tag
        self.errors: dict[str, str] = {}
        self._nodes: dict[tuple[str, int], _Node] = {}
        self._open: dict[str, int] = defaultdict(int)
        self._after: dict[str, set[str]] = defaultdict(set)
        self._holds: dict[str, set[str]] = defaultdict(set)
        self._waiters: dict[str, list[tuple[str, int]]] = defaultdict(list)
        self._outputs: dict[str, dict[int, Any]] = defaultdict(dict)
        self._broken: set[str] = set()
        self._ready: deque[Job] = deque()
        self._stopped = False
        self._add(flow)

    @property
    def is_done(self) -> bool:
        """Whether no job is left."""
        return not self._nodes

    @property
    def output(self) -> Any:
        """What the flow's output refers to, resolved; None if it names no output or a job of it failed."""
        if self.flow.output is None or self.errors:
            return None
        return find_and_resolve_references(self.flow.output, Exchange(self._outputs), on_missing=OnMissing.NONE)

    def take_ready(self) -> Iterator[Job]:
        """Yield the jobs that may start now, each once."""
        while self._ready:
            yield self._ready.popleft()

    def inputs(self, job: Job) -> dict[str, dict[int, Any]]:
        """Return the outputs that a job refers to, and those that these refer to in turn, by uuid and index."""
        found: dict[str, dict[int, Any]] = {}
        wanted = list(job.input_uuids)
        while wanted:
            uuid = wanted.pop()
            if uuid in self._outputs and uuid not in found:
                found[uuid] = self._outputs[uuid]
                wanted += [one.uuid for output in found[uuid].values() for one in find_and_get_references(output)]
        return found

    def finish(
        self,
        job: Job,
        output: Any,
        *,
        replace: Flow | None = None,
        detour: Flow | None = None,
        addition: Flow | None = None,
        stop_children: bool = False,
        stop_jobflow: bool = False,
    ) -> None:
        """Take a job's output, and the jobs that it asks for."""
        self._outputs[job.uuid][job.index] = output
        if stop_jobflow:
            self._stopped = True
        for diversion in (replace, detour):
            if diversion is not None:
                self._hold(job.uuid, {child.uuid for child, _ in jobs_of(diversion)} - {job.uuid})
                self._add(diversion)
        if addition is not None:
            self._add(addition)
        if stop_children:
            self._broken.add(job.uuid)
        self._close(job)

    def fail(self, job: Job, error: str) -> None:
        """Take note that a job raised; what depends on it is not run."""
        self.errors[job.name] = error
        self._broken.add(job.uuid)
        self._close(job)

    def _add(self, flow: Flow) -> None:
        added = []
        for job, parents in jobs_of(flow):
            node = (job.uuid, job.index)
            waits = {uuid for uuid in parents if uuid != job.uuid and not self._is_done(uuid, flow)}
            self._nodes[node] = _Node(job, waits)
            self._open[job.uuid] += 1
            for uuid in waits:
                self._waiters[uuid].append(node)
            added.append(node)
        for node in added:
            self._check(node)

    def _is_done(self, uuid: str, flow: Flow) -> bool:
        """Whether a parent is done; one that lies in no flow of ours is taken to be."""
        return not self._open.get(uuid) and not self._after.get(uuid) and uuid not in set(flow.all_uuids)

    def _hold(self, uuid: str, children: set[str]) -> None:
        self._after[uuid] |= children
        for child in children:
            self._holds[child].add(uuid)

    def _check(self, node: tuple[str, int]) -> None:
        entry = self._nodes.get(node)
        if entry is None or entry.waits or entry.cancelled:
            return
        job = entry.job
        broken = self._broken.intersection(job.input_uuids) if self._broken else set()
        needed = job.config.on_missing_references == OnMissing.ERROR
        if self._stopped or (broken and needed):
            entry.cancelled = True
            self._broken.add(job.uuid)
            self._close(job)
        else:
            entry.cancelled = True  # handed out; never twice
            self._ready.append(job)

    def _close(self, job: Job) -> None:
        del self._nodes[job.uuid, job.index]
        self._open[job.uuid] -= 1
        self._notify(job.uuid)

    def _notify(self, uuid: str) -> None:
        if self._open.get(uuid) or self._after.get(uuid):
            return
        for node in self._waiters.pop(uuid, ()):
            if node in self._nodes:
                self._nodes[node].waits.discard(uuid)
                self._check(node)
        for parent in self._holds.pop(uuid, ()):
            self._after[parent].discard(uuid)
            self._notify(parent)


def jobs_of(flow: Flow) -> list[tuple[Job, list[str]]]:
    """Return the jobs of a flow, each with the uuids of those before it."""
    with warnings.catch_warnings():
        # jobs that hang together with nothing may run in any order, which is what is wanted here
        warnings.filterwarnings("ignore", message="Some jobs are not connected")
        return list(flow.iterflow())


class Exchange:
    """A job store of a few outputs in memory: what a job may read, and where it leaves its own.

    jobflow resolves references through these two methods alone; a job that asks for the whole store cannot run in a
    worker, which has no database.

    Parameters
    ----------
    outputs : dict
        Outputs by uuid and index.
    """

    def __init__(self, outputs: dict[str, dict[int, Any]]) -> None:
        self.outputs = outputs
        self.document: dict[str, Any] | None = None

    def query_one(
        self,
        criteria: dict[str, Any],
        properties: list[str] | None = None,
        sort: dict[str, int] | None = None,
        load: Any = False,
    ) -> dict[str, Any] | None:
        """Return one output, the last unless an index is named."""
        del properties, load
        known = self.outputs.get(criteria["uuid"], {})
        index = criteria.get("index")
        if index is None:
            first = sort is not None and sort.get("index") == 1
            index = (min if first else max)(known, default=None)
        if index not in known:
            return None
        return {"uuid": criteria["uuid"], "index": index, "output": known[index]}

    def get_output(
        self,
        uuid: str,
        which: str | int = "last",
        load: Any = False,
        cache: dict[str, Any] | None = None,
        on_missing: OnMissing = OnMissing.ERROR,
    ) -> Any:
        """Return an output."""
        del load
        criteria = {"uuid": uuid} | ({"index": which} if isinstance(which, int) else {})
        found = self.query_one(criteria, sort={"index": 1 if which == "first" else -1})
        if found is None:
            raise ValueError(f"job {uuid} has no output yet")
        # the output of a replaced job refers to the jobs that replaced it
        return find_and_resolve_references(found["output"], self, cache=cache, on_missing=on_missing)

    def update(self, document: Any, key: Any = None, save: Any = None) -> None:
        """Keep what the job leaves."""
        del key, save
        self.document = dict(document)


def encode(value: Any) -> str:
    """Write a job, a flow or an output as MSON text; decorated functions do not pickle."""
    return json.dumps(value, cls=MontyEncoder)


def decode(text: str) -> Any:
    """Read what :func:`encode` wrote."""
    return MontyDecoder().process_decoded(json.loads(text))


def decode_trusted(text: str) -> Any:
    """Read what :func:`encode` wrote and a database has kept, where others may have written too.

    Decoding imports modules and calls what it finds there: here that is no more than classes of ours and of jobflow's
    core, and functions that are jobs.

    Raises
    ------
    UntrustedError
        If anything else is named; nothing of it has been imported or called then.
    """
    plain = json.loads(text)
    open_: list[Any] = [plain]
    while open_:
        value = open_.pop()
        if isinstance(value, list):
            open_ += value
        elif isinstance(value, dict):
            if "@module" in value:
                _check(value)
            open_ += value.values()
    return MontyDecoder().process_decoded(plain)


def _check(value: dict[str, Any]) -> None:
    module, name = value["@module"], value.get("@class") or value.get("@callable")
    if not isinstance(module, str) or not isinstance(name, str):
        raise UntrustedError(f"a stored job names {module!r} and {name!r}, which is no class and no job")
    if (module, name) in PLAIN:
        return
    if not module.startswith(TRUSTED):
        raise UntrustedError(f"a stored job names {module}.{name}, which is neither atomsieve's nor jobflow's own")
    try:
        found = getattr(importlib.import_module(module), name, None)
    except ImportError:
        found = None
    if "@class" in value:
        # a name that a module of ours has only imported is somebody else's
        is_known = isinstance(found, type) and found.__module__ == module
    else:
        is_known = not value.get("@bound") and hasattr(found, "original")
    if not is_known:
        raise UntrustedError(f"a stored job names {module}.{name}, which this version of atomsieve does not have")
