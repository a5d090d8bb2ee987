"""RemoteFolder: the results folder of a cluster, on this machine or at the far end of an SSH connection."""

from __future__ import annotations

import io
import json
import shlex
import sys
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from atomsieve.analysis.chunks import chunks
from atomsieve.structures.errors import StoreError
from atomsieve.workflows.clusters.cluster import Worker
from atomsieve.workflows.folder import Folder

if TYPE_CHECKING:
    from jobflow_remote.remote.host import BaseHost

#: Outcomes that travel at once.
CHUNK = 100


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

    def make(self) -> None:
        """Make it, private to the user."""
        if self._is_near:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        else:
            self._call(f"mkdir -p -m 700 {shlex.quote(str(self.root))}")

    def read(self, keys: Iterable[str]) -> Iterator[dict[str, Any]]:
        """Yield the outcomes that there are of these keys."""
        if self._is_near:
            yield from outcomes(Folder(self.root), keys)
            return
        for wanted in chunks(keys, CHUNK):
            yield from map(json.loads, self._exchange("read", "\n".join(wanted)).splitlines())

    def write(self, documents: Iterable[Mapping[str, Any]]) -> None:
        """Put outcomes there, unless there is a success already."""
        if self._is_near:
            put(Folder(self.root), documents)
            return
        for some in chunks(documents, CHUNK):
            self._exchange("write", "\n".join(map(json.dumps, some)))

    def names(self, folder: Path) -> set[str]:
        """Return the names of the files in a folder there."""
        if self._is_near:
            return {path.name for path in folder.glob("*")}
        with self._connected() as host:
            return set(host.listdir(folder))

    def remove(self, path: Path) -> None:
        """Remove a file there, if it is there."""
        if self._is_near:
            path.unlink(missing_ok=True)
        else:
            self._call(shlex.join(["rm", "-f", str(path)]))

    @property
    def _is_near(self) -> bool:
        return self.worker.host is None

    def _exchange(self, what: str, text: str) -> str:
        """Have the far end read a file of ours and write one for us."""
        place = self.root / "jobflow-remote" / "exchange"
        name = uuid.uuid4().hex
        asked, answer = place / f"{name}.in", place / f"{name}.out"
        with self._connected() as host:
            self._run(host, f"mkdir -p -m 700 {shlex.quote(str(self.root))} && mkdir -p {shlex.quote(str(place))}")
            try:
                host.put(io.BytesIO(text.encode()), str(asked))
                call = [self.worker.python, "-m", "atomsieve.workflows.remote.folder", what, self.root, asked, answer]
                self._run(host, "\n".join([self.worker.setup, shlex.join(map(str, call))]))
                found = io.BytesIO()
                host.get(str(answer), found)
            finally:
                self._run(host, shlex.join(["rm", "-f", str(asked), str(answer)]))
        return found.getvalue().decode()

    def _call(self, command: str) -> None:
        with self._connected() as host:
            self._run(host, command)

    def _run(self, host: BaseHost, command: str) -> None:
        _, printed, code = host.execute(command)
        if code:
            raise StoreError(f"{self.worker.name}: {command.split()[0]} failed there: {printed.strip()[-300:]}")

    @contextmanager
    def _connected(self) -> Iterator[BaseHost]:
        from jobflow_remote.config.base import RemoteWorker

        assert self.worker.host is not None
        work_dir = str(self.root)
        host = RemoteWorker(
            scheduler_type="shell", work_dir=work_dir, **self.worker.host.model_dump(exclude_none=True)
        ).get_host()
        try:
            host.connect()
        except Exception as error:  # of paramiko, of the system, of the name service
            raise StoreError(f"{self.worker.name} cannot be reached: {type(error).__name__}: {error}") from error
        try:
            yield host
        finally:
            host.close()


def outcomes(folder: Folder, keys: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Yield the outcomes that there are of these keys."""
    for key in keys:
        if (document := folder.read(key)) is not None:
            yield document


def put(folder: Folder, documents: Iterable[Mapping[str, Any]]) -> None:
    """Write outcomes, unless there is a success already."""
    for document in documents:
        known = folder.read(document["key"])
        if known is None or known["status"] != "done":
            folder.write(dict(document))


def main(what: str, root: str, asked: str, answer: str) -> None:
    """Read the keys or documents of a file, a line each; write what is asked for into another."""
    lines = Path(asked).read_text(encoding="utf-8").splitlines()
    found: Iterable[dict[str, Any]] = ()
    if what == "read":
        found = outcomes(Folder(root), lines)
    else:
        put(Folder(root), map(json.loads, lines))
    with Path(answer).open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(document) + "\n" for document in found)


if __name__ == "__main__":
    main(*sys.argv[1:])
