"""Stock: FireWorks' own settings for a cluster, with which its rlaunch, qlaunch and web GUI take what we hand over.

::

    FOLDER/fireworks/my_launchpad.yaml     where the database is; holds the URI, and is private to the user
                    /KIND/my_fworker.yaml  which jobs: those of one kind, and light ones
                         /my_qadapter.yaml what qlaunch submits, in FireWorks' own terms

``rlaunch -l my_launchpad.yaml -w KIND/my_fworker.yaml rapidfire`` works on this machine; ``qlaunch`` with ``-q
KIND/my_qadapter.yaml`` submits such a command to the scheduler.
"""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import yaml

from atomsieve.analysis.whole import whole_file
from atomsieve.workflows.clusters.cluster import Resources, Worker
from atomsieve.workflows.clusters.scheduler import Scheduler
from atomsieve.workflows.fireworks.fireworkflow import LIGHT, OURS
from atomsieve.workflows.settings import Settings

#: What FireWorks calls the schedulers.
QUEUES = {"slurm": "SLURM", "pbs": "PBS", "sge": "SGE"}


def write_files(worker: Worker, settings: Settings) -> list[Path]:
    """Write FireWorks' own settings for a cluster, where its folder is seen from here.

    Parameters
    ----------
    worker : Worker
        The cluster.
    settings : Settings
        With the database.

    Returns
    -------
    list of Path
        The folder they lie in; empty where it cannot be written.
    """
    folder = worker.folder / "fireworks"
    assert settings.mongodb_uri is not None
    launchpad = {
        "host": settings.mongodb_uri.get_secret_value(),
        "uri_mode": True,
        "name": settings.mongodb_database,
        "strm_lvl": "WARNING",
    }
    try:
        # the mode is that of the last folder alone
        worker.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        _write(folder / "my_launchpad.yaml", launchpad)
        for kind, resources in worker.kinds.items():
            (folder / kind).mkdir(mode=0o700, exist_ok=True)
            taken = {"name": worker.name, "category": [kind, LIGHT], "query": json.dumps(OURS), "env": {}}
            _write(folder / kind / "my_fworker.yaml", taken)
            if worker.scheduler in QUEUES:
                _write(folder / kind / "my_qadapter.yaml", _adapter(worker, kind, resources, folder))
    except OSError:
        return []
    return [folder]


def _adapter(worker: Worker, kind: str, resources: Resources, folder: Path) -> dict[str, Any]:
    program = Path(worker.python).parent / "rlaunch"
    files = ["-l", str(folder / "my_launchpad.yaml"), "-w", str(folder / kind / "my_fworker.yaml")]
    command = shlex.join([str(program), *files, "rapidfire", "--sleep", "5"])
    scheduler = Scheduler(worker)
    hours, rest = divmod(resources.walltime, 3600)
    adapter: dict[str, Any] = {
        "_fw_name": "CommonAdapter",
        "_fw_q_type": QUEUES[worker.scheduler],
        # in the shell's place, so that the scheduler's signals reach it
        "rocket_launch": command if worker.teardown.strip() else f"exec {command}",
        "walltime": f"{hours:02d}:{rest // 60:02d}:{rest % 60:02d}",
        "queue": resources.queue,
        "account": resources.account,
        "job_name": scheduler.name(kind),
        "pre_rocket": _preparation(scheduler, kind),
        "post_rocket": worker.teardown.strip() or None,
    }
    if worker.scheduler == "slurm":
        adapter |= {"nodes": resources.nodes, "ntasks": 1, "cpus_per_task": resources.cores, "mem": resources.memory}
        adapter["signal"] = f"B:USR1@{resources.margin}"
    elif worker.scheduler == "pbs":
        adapter |= {"nnodes": resources.nodes, "ppnode": resources.cores}
    return {name: value for name, value in adapter.items() if value is not None}


def _preparation(scheduler: Scheduler, kind: str) -> str:
    """Return what a job script of ours does before its work."""
    script = scheduler.script(kind, ["true"])
    lines = script.splitlines()
    begin = next(number for number, line in enumerate(lines) if line == f"# {scheduler.name(kind)}")
    end = next(number for number, line in enumerate(lines) if line in ("exec true", "true &"))
    return "\n".join(lines[begin:end])


def _write(path: Path, content: dict[str, Any]) -> None:
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    with whole_file(path, private=True) as partial:
        partial.write_text(text, encoding="utf-8")
