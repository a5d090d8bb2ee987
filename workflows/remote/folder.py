"""RemoteFolder: the results folder of a cluster, on this machine or at the far end of an SSH connection."""

from __future__ import annotations

import io
import json
import shlex
import sys
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import finalize

from atomsieve.analysis.chunks import chunks
from atomsieve.structures.errors import StoreError
from atomsieve.workflows.folder import Folder

if TYPE_CHECKING:
    from jobflow_remote.remote.host import BaseHost

    from atomsieve.workflows.clusters.cluster import Worker

#: Outcomes that travel at once.
CHUNK = 100
#: Seconds for which it is known which outcomes there are at the far end.
KNOWN = 5.0


class RemoteFolder:
    """The results folder of a cluster.

    Parameters
    ----------
    worker : Worker
        The cluster.

    Raises
    ------
    StoreError
        From each method, if it cannot be reached.
    """

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self.root = worker.folder
        self._listed: dict[str, str] = {}
        self._listed_at = -KNOWN

    def make(self) -> None:
        """Make it, private to the user."""
        if self._is_near:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        else:
            self._run(f"mkdir -p -m 700 {shlex.quote(str(self.root))}")

    def read(self, keys: Iterable[str]) -> Iterator[dict[str, Any]]:
        """Yield the outcomes that there are of these keys."""
        if self._is_near:
            folder = Folder(self.root)
            yield from (document for key in keys if (document := folder.read(key)) is not None)
            return
        listed = self._there()
        for paths in chunks((listed[key] for key in keys if key in listed), CHUNK):
            # one that has been replaced meanwhile is found the next time
            each = 'for path in "$@"; do cat "$path" 2>/dev/null; echo; done'
            place = shlex.quote(str(self.root / "results"))
            printed = self._run(f"cd {place} && set -- {shlex.join(paths)} && {each}")
            yield from (json.loads(line) for line in printed.splitlines() if line.strip())

    def write(self, documents: Iterable[Mapping[str, Any]]) -> None:
        """Put outcomes there, unless there is a success already."""
        if self._is_near:
            Folder(self.root).bring(documents)
            return
        for some in chunks(documents, CHUNK):
            self.make()
            path = self.root / f"seed-{uuid.uuid4().hex}"
            module = [self.worker.python, "-P", "-m", "atomsieve.workflows.remote.folder", str(self.root), str(path)]
            try:
                self._host.put(io.BytesIO("\n".join(map(json.dumps, some)).encode()), str(path))
                self._run(f"{self.worker.setup}\n{shlex.join(module)}")
            finally:
                self.remove(path)

    def names(self, folder: Path) -> set[str]:
        """Return the names of the files in a folder there."""
        if self._is_near:
            return {path.name for path in folder.glob("*")}
        return set(self._host.listdir(folder))

    def remove(self, path: Path) -> None:
        """Remove a file there, if it is there."""
        if self._is_near:
            path.unlink(missing_ok=True)
        else:
            self._run(shlex.join(["rm", "-f", str(path)]))

    @property
    def _is_near(self) -> bool:
        return self.worker.host is None

    def _there(self) -> dict[str, str]:
        """Return where the outcome of each calculation lies, that has one, below the folder of results."""
        if time.monotonic() - self._listed_at >= KNOWN:
            place = shlex.quote(str(self.root / "results"))
            wanted = r"find . -mindepth 3 -maxdepth 3 \( -name result.json -o -name failure.json \)"
            found = sorted(self._run(f"cd {place} 2>/dev/null || exit 0; {wanted}").split())
            # failure.json comes before result.json, which counts
            self._listed = {path.split("/")[2]: path for path in found}
            self._listed_at = time.monotonic()
        return self._listed

    def _run(self, command: str) -> str:
        printed, complaint, code = self._host.execute(command)
        if code:
            raise StoreError(f"{self.worker.name}: {command.split()[0]} failed there: {complaint.strip()[-300:]}")
        return str(printed)

    @cached_property
    def _host(self) -> BaseHost:
        from jobflow_remote.config.base import RemoteWorker

        assert self.worker.host is not None
        own = self.worker.host.model_dump(exclude_none=True)
        host: BaseHost = RemoteWorker(scheduler_type="shell", work_dir=self.root, **own).get_host()
        try:
            host.connect()
        except Exception as error:  # of paramiko, of the system, of the name service
            with suppress(Exception):
                host.close()
            raise StoreError(f"{self.worker.name} cannot be reached: {type(error).__name__}: {error}") from error
        finalize(self, host.close)
        return host


def main(root: str, path: str) -> None:
    """Put the outcomes of a file, a line each, into a folder; what the far end runs."""
    with Path(path).open(encoding="utf-8") as file:
        Folder(root).bring(map(json.loads, file))


if __name__ == "__main__":
    main(*sys.argv[1:])
