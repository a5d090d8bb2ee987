"""Source: the places where runs lie, and the runs that are read from each, one by one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from atomsieve.structures.errors import InputError
from atomsieve.workflows.ingest import frames, tables, vasp
from atomsieve.workflows.ingest.mapping import Mapped
from atomsieve.workflows.ingest.mapping_file import RunEntry
from atomsieve.workflows.ingest.records import Refused, Run
from atomsieve.workflows.ingest.vasp_files import files_of, is_run

Kind = Literal["vasp", "xyz", "database", "table", "nothing"]
#: Files that hold energies, by the end of their names.
_SUFFIXES: dict[str, Kind] = {".extxyz": "xyz", ".xyz": "xyz", ".db": "database", ".csv": "table"}
_PACKED = (".gz", ".bz2", ".xz")
#: Files of a directory that is no run that are named.
_NAMED = 4


@dataclass(frozen=True)
class Source:
    """A place where something lies.

    Parameters
    ----------
    path : Path
        Directory or file.
    name : str
        Its path from the folder that was named, with slashes; patterns go by it.
    kind : {"vasp", "xyz", "database", "table", "nothing"}
        What it is.
    reason : str
        Why it holds nothing.
    """

    path: Path
    name: str
    kind: Kind
    reason: str = ""


def walk(paths: Sequence[Path]) -> Iterator[Source]:
    """Yield every place under some paths, in alphabetical order; links are followed, circles are not.

    Raises
    ------
    InputError
        If a path is not there.
    """
    for path in paths:
        if not path.exists():
            raise InputError(f"there is no {path}; name directories of VASP runs, .db, .xyz or .csv files")
    seen: set[str] = set()
    for path in paths:
        if path.is_file():
            kind = _kind(path.name)
            allowed = "it is no .xyz, .extxyz, .db or .csv; of a VASP run name its directory"
            yield Source(path, path.name, kind or "nothing", "" if kind else allowed)
            continue
        for folder, folders, names in os.walk(path, followlinks=True):
            real = os.path.realpath(folder)
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            if real in seen:
                folders.clear()
                continue
            seen.add(real)
            yield from _within(Path(folder), path, folders, sorted(names))


def _within(folder: Path, root: Path, folders: list[str], names: list[str]) -> Iterator[Source]:
    relative = folder.relative_to(root).as_posix()
    name = folder.resolve().name if relative == "." else relative
    prefix = "" if relative == "." else f"{relative}/"
    energies = [(entry, kind) for entry in names if (kind := _kind(entry)) is not None]
    if is_run(files_of(folder, names)):
        yield Source(folder, name, "vasp")
    elif not folders and not energies:
        shown = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
        why = f"no run: there is no vasprun.xml, OUTCAR or OSZICAR, only {shown}" if names else "empty"
        yield Source(folder, name, "nothing", why)
    for entry, kind in energies:
        yield Source(folder / entry, prefix + entry, kind)


def _kind(name: str) -> Kind | None:
    bare = next((name[: -len(packed)] for packed in _PACKED if name.endswith(packed)), name)
    return _SUFFIXES.get(Path(bare).suffix.lower())


def read(source: Source, mapped: Mapped) -> Iterator[Run | Refused]:
    """Yield the runs of a place."""
    said = mapped.entry(source.name)
    shown = str(source.path)
    if said == "skip":
        yield Refused(shown, "left out, as the mapping says")
        return
    if source.kind == "nothing":
        yield Refused(shown, source.reason)
        return
    method = said.method if isinstance(said, RunEntry) else None
    try:
        if source.kind == "vasp":
            yield vasp.read(files_of(source.path, (entry.name for entry in source.path.iterdir())), shown)
        else:
            yield from _READERS[source.kind](source.path, shown, mapped, method)
    except OSError as error:
        yield Refused(shown, f"cannot be read: {error.strerror or error}")


_READERS: dict[str, Callable[[Path, str, Mapped, str | None], Iterator[Run | Refused]]] = {
    "xyz": frames.read_xyz,
    "database": frames.read_database,
    "table": tables.read_csv,
}
