"""RemoteJob: what a node runs for jobflow-remote: one job in its folder, or as many as there are in one allocation.

    python -m atomsieve.workflows.remote.job FOLDER
    python -m atomsieve.workflows.remote.job --worker JSON --kind KIND -- execution run-batch RUNS FILES ID ...

The second stands in the place of jobflow-remote's own ``run-batch``: its processes keep their imports loaded.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jobflow_remote.jobs.batch import LocalBatchManager

    from atomsieve.workflows.clusters.cluster import Worker

#: The file in a job's folder that names the process which works on it.
PROCESS = "process"


class Batch:
    """The jobs of one allocation, as a pilot's processes take them.

    Parameters
    ----------
    runs : Path
        Where the folders of jobs lie.
    files : Path
        Where jobflow-remote says which jobs there are.
    name : str
        Of the allocation.
    """

    def __init__(self, runs: Path, files: Path, name: str) -> None:
        self.runs, self.files, self.name = runs, files, name

    @property
    def _manager(self) -> LocalBatchManager:
        from jobflow_remote.jobs.batch import LocalBatchManager

        return LocalBatchManager(self.files, self.name)

    def pull(self, worker: Worker, kind: str) -> bool:
        """Run one job, if there is one."""
        from atomsieve.workflows.clusters.processes import identity

        del worker, kind
        self._bury()
        found = self._manager.get_job() if any(self._manager.submitted_dir.iterdir()) else None
        if found is None:
            return False
        uuid, index = found.rsplit("_", 1)
        folder = self._folder(uuid, index)
        (folder / PROCESS).write_text(str(identity(os.getpid())))
        with _printing(folder):
            run(folder)
        self._finish(uuid, index)
        return True

    def more(self, worker: Worker, kind: str) -> bool:
        """Return whether jobs may still come: that is nothing that a node can know."""
        del worker, kind
        return True

    def _bury(self) -> None:
        """Report the jobs of processes that died: jobflow-remote sees that they have left no answer."""
        from atomsieve.workflows.clusters.processes import identity

        for path in self._manager.running_dir.glob(f"*_{self.name}"):
            uuid, index, _ = path.name.split("_")
            with contextlib.suppress(FileNotFoundError):
                own = (self._folder(uuid, index) / PROCESS).read_text()
                # empty while it is being written
                if own and identity(int(own.split(":")[1])) != own:
                    self._finish(uuid, index)

    def _finish(self, uuid: str, index: str) -> None:
        # two that saw the same process die, or a job that was cancelled
        with contextlib.suppress(FileNotFoundError):
            self._manager.set_job_finished(uuid, int(index))

    def _folder(self, uuid: str, index: str) -> Path:
        from jobflow_remote.remote.data import get_job_path

        return Path(get_job_path(uuid, int(index), self.runs))


@contextlib.contextmanager
def _printing(folder: Path) -> Iterator[None]:
    """Send what is printed to the files of a job."""
    sys.stdout.flush()
    sys.stderr.flush()
    before = [(number, os.dup(number)) for number in (1, 2)]
    try:
        for number, name in ((1, "queue.out"), (2, "queue.err")):
            descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            os.dup2(descriptor, number)
            os.close(descriptor)
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for number, kept in before:
            os.dup2(kept, number)
            os.close(kept)


def run(folder: Path) -> None:
    """Run the job of a folder; what it raises is in its answer."""
    import warnings

    from jobflow_remote.jobs.run import run_remote_job

    with warnings.catch_warnings():
        # a helper that monty has deprecated
        warnings.simplefilter("ignore", FutureWarning)
        run_remote_job(folder)


def run_batch(worker: str, kind: str, words: Sequence[str]) -> int:
    """Run the jobs of an allocation; return the exit code.

    Parameters
    ----------
    worker : str
        Its description, JSON.
    kind : str
        Of its kinds.
    words : sequence of str
        What jobflow-remote calls its own command with.
    """
    from monty.serialization import dumpfn

    import atomsieve.workflows.worker  # noqa: F401  # so that every process has what jobs import
    from atomsieve.workflows.clusters.cluster import Worker
    from atomsieve.workflows.clusters.pilot import Pilot

    runs, files, name = words[words.index("run-batch") + 1 :][:3]
    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(asctime)s %(process)d %(message)s")
    times = {"start_time": datetime.now(UTC)}
    dumpfn(times, "batch_info.json")
    source: Any = Batch(Path(runs), Path(files), name)
    code = Pilot(Worker.model_validate(json.loads(worker)), kind, source).run()
    dumpfn({**times, "end_time": datetime.now(UTC)}, "batch_info.json")
    return code


def main() -> int:
    """Run what the command line asks for; return the exit code."""
    from atomsieve.workflows import interruption

    if "--worker" in sys.argv:
        parser = argparse.ArgumentParser(prog="python -m atomsieve.workflows.remote.job")
        parser.add_argument("--worker", required=True)
        parser.add_argument("--kind", required=True)
        parser.add_argument("words", nargs="+")
        given = parser.parse_args()
        return run_batch(given.worker, given.kind, given.words)
    interruption.on_signals(SIGUSR1="the allocation ends", SIGTERM="its job is asked to end")
    run(Path(sys.argv[1]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
