"""Cluster: the file that describes one, read into a worker with its kinds of allocations."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PrivateAttr, ValidationError

from atomsieve.structures.complaint import problem_of, unique
from atomsieve.structures.errors import CampaignError, InputError, Problem, UnknownNameError, unknown
from atomsieve.structures.section import NAME, Section
from atomsieve.structures.yaml_text import parse_mapping
from atomsieve.workflows.calculators import CALCULATORS, calculator
from atomsieve.workflows.clusters.credentials import credential_problems, secrets_problem
from atomsieve.workflows.settings import Settings

#: The kinds to which calculators go that no kind names: DFT to ``dear``, all others to ``cheap``.
CHEAP, DEAR = "cheap", "dear"
_UNITS = {"KB": 1 / 1024, "MB": 1, "GB": 1024, "TB": 1024**2}  # in MB


def _seconds(value: Any) -> Any:
    """Take ``[[D-]HH:]MM:SS`` for seconds, as schedulers write them; YAML reads ``24:00:00`` as seconds itself."""
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"(?:(?:(\d+)-)?(\d+):)?([0-5]?\d):([0-5]\d)", value.strip())
    if match is None:
        raise ValueError(f"{value!r} is no duration; allowed: '12:00:00', '2-12:00:00' (days), or whole seconds")
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def _megabytes(value: Any) -> Any:
    """Take ``4 GB`` for megabytes."""
    if value is None:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?) ?([KMGT]B?)", str(value).strip(), re.IGNORECASE)
    if match is None:
        raise ValueError(f"{value!r} is no amount of memory; allowed: '4 GB', '500 MB' (of each node)")
    unit = match.group(2).upper()
    return max(1, round(float(match.group(1)) * _UNITS[unit if unit.endswith("B") else f"{unit}B"]))


def _located(value: Any) -> Any:
    """Take a path that may begin with ~ or a variable."""
    return Path(os.path.expandvars(Path(value).expanduser())) if isinstance(value, str) else value


def _word(value: str) -> str:
    if not value or len(value.split()) != 1:
        raise ValueError(f"{value!r} is not allowed; allowed: one word")
    return value


def _line(value: str) -> str:
    if not value.strip() or len(value.splitlines()) != 1:
        raise ValueError(f"{value!r} is not allowed; allowed: one line, as --constraint=haswell")
    return value.strip()


Word = Annotated[str, AfterValidator(_word)]
Line = Annotated[str, AfterValidator(_line)]
Location = Annotated[Path, BeforeValidator(_located)]
Seconds = Annotated[int, BeforeValidator(_seconds)]


class Resources(Section):
    """One kind of allocation.

    Parameters
    ----------
    queue, account : str or None
        Partition or queue, and who pays; the scheduler's defaults unless given.
    walltime : int
        Of an allocation, s.
    nodes, cores : int
        Nodes, and cores of each.
    memory : int or None
        Of each node, MB; the queue's default unless given.
    workers : int
        Processes that take calculations, each one at a time.
    jobs : int
        Allocations at most, queued and running.
    margin : int
        Seconds before the end of the walltime at which calculations write their checkpoints and stop.
    idle : int
        Seconds without a calculation after which a process ends although others may still come.
    options : list of str
        Lines for the scheduler, verbatim.
    calculators : list of str
        Which go there.
    """

    queue: Word | None = None
    account: Word | None = None
    walltime: Annotated[Seconds, Field(ge=10, le=366 * 86400)] = 3600
    nodes: Annotated[int, Field(ge=1, le=10000)] = 1
    cores: Annotated[int, Field(ge=1, le=10000)] = 1
    memory: Annotated[int | None, BeforeValidator(_megabytes)] = None
    workers: Annotated[int, Field(ge=1, le=1024)] = 1
    jobs: Annotated[int, Field(ge=1, le=10000)] = 1
    margin: Annotated[Seconds, Field(ge=0)] = 300
    idle: Annotated[Seconds, Field(ge=0)] = 300
    options: list[Line] = Field(default_factory=list)
    calculators: list[str] = Field(default_factory=list)


class Host(Section):
    """The login node of a cluster whose file system this machine does not see; for jobflow-remote alone.

    Parameters
    ----------
    host : str
        Its name or address, or what ~/.ssh/config calls it.
    user, port, key_filename, gateway : str or int or None
        As ssh takes them; those of ~/.ssh/config unless given.
    """

    host: Word
    user: Word | None = None
    port: Annotated[int | None, Field(ge=1, le=65535)] = None
    key_filename: str | None = None
    gateway: str | None = None


class Worker(Section):
    """A cluster, or this machine, as its file describes it.

    Parameters
    ----------
    name : str
        Letters, digits, dots, dashes and underscores.
    scheduler : {"slurm", "pbs", "sge", "none"}
        Who starts jobs; ``none``: processes of this machine.
    folder : pathlib.Path
        Where results lie, on a file system that the nodes and this machine share.
    python : str
        An interpreter on the nodes that can import atomsieve.
    setup, teardown : str
        Lines of shell before and after the work.
    environment : dict of str to str
        Variables for the work.
    secrets : pathlib.Path or None
        A file of mode 600 with lines ``NAME=value`` of shell that the nodes source.
    scratch : str or None
        A folder on the node's own disk for temporary files; may hold variables of the node.
    host : Host or None
        How it is reached where this machine does not see ``folder``.
    kinds : dict of str to Resources
        Kinds of allocations by name.
    """

    name: Annotated[str, Field(pattern=NAME)]
    scheduler: Literal["slurm", "pbs", "sge", "none"]
    folder: Location
    python: str = sys.executable
    setup: str = ""
    teardown: str = ""
    environment: dict[Annotated[str, Field(pattern=r"^[A-Za-z_]\w*$")], str] = Field(default_factory=dict)
    secrets: Location | None = None
    scratch: str | None = None
    host: Host | None = None
    kinds: Annotated[dict[Annotated[str, Field(pattern=NAME)], Resources], Field(min_length=1)]
    _source: Path = PrivateAttr(default=Path())

    @property
    def source(self) -> Path:
        """The file that it was read from."""
        return self._source

    @property
    def pilots(self) -> Path:
        """Where job scripts and logs lie."""
        return self.folder / "pilots"

    def kind_of(self, name: str) -> str:
        """Return the kind of allocation that a calculator's work goes to.

        Parameters
        ----------
        name : str
            In the table of calculators.

        Raises
        ------
        InputError
            If no kind names it, and there is none for its tier.
        """
        for kind, resources in self.kinds.items():
            if name in resources.calculators:
                return kind
        fitting = DEAR if calculator(name).tier == "dft" else CHEAP
        if fitting in self.kinds:
            return fitting
        if len(self.kinds) == 1:
            return next(iter(self.kinds))
        raise InputError(
            f"{self.source}: no kind is for {name}; name it under kinds.{next(iter(self.kinds))}.calculators or "
            f"another, or add a kind {fitting!r}"
        )


def read_worker(name_or_path: str | Path, settings: Settings) -> Worker:
    """Read the file that describes a cluster.

    Parameters
    ----------
    name_or_path : str or pathlib.Path
        A path, or the name of a file in the settings' folder of workers, without its suffix.
    settings : Settings
        Where that is.

    Raises
    ------
    UnknownNameError
        If there is no such file; names those that there are.
    CampaignError
        With every entry that is wrong: its path, the value, what is allowed, the nearest match.
    """
    path = find_file(name_or_path, settings)
    try:
        text = path.read_text(encoding="utf-8")
    except (UnicodeDecodeError, PermissionError) as error:
        raise InputError(f"{path} cannot be read: {error}") from None
    data = parse_mapping(text, str(path), "name, scheduler, folder, kinds")
    if leaks := list(credential_problems(data)):
        raise CampaignError(str(path), leaks)  # alone, for other complaints show values
    try:
        worker = Worker.model_validate(data)
    except ValidationError as error:
        raise CampaignError(str(path), unique(problem_of(Worker, entry) for entry in error.errors())) from None
    if problems := list(_cross_check(worker)):
        raise CampaignError(str(path), problems)
    worker._source = path.absolute()
    return worker


def find_file(name_or_path: str | Path, settings: Settings) -> Path:
    """Return the path of the file that describes a cluster; see :func:`read_worker`."""
    path = Path(name_or_path).expanduser()
    if path.is_file():
        return path
    if path.suffix in (".yaml", ".yml") or "/" in str(name_or_path):
        raise UnknownNameError(f"there is no file {path}; `atomsieve new worker {path.stem}` writes one")
    folder = settings.workers_folder.expanduser()
    found = folder / f"{name_or_path}.yaml"
    if not found.is_file():
        names = sorted(entry.stem for entry in folder.glob("*.yaml"))
        listed = unknown(str(name_or_path), names or ["none yet"], "worker")
        raise UnknownNameError(f"{listed} (files in {folder}); `atomsieve new worker {name_or_path}` writes one")
    return found


def _cross_check(worker: Worker) -> Iterator[Problem]:
    for name in ("folder", "secrets"):
        path = getattr(worker, name)
        if path is not None and ("$" in str(path) or not path.is_absolute()):
            yield Problem(name, f"'{path}' is no full path here; write one that begins with /, ~ or a variable")
    if worker.scheduler != "none" and len(str(worker.folder).split()) > 1:
        yield Problem("folder", f"'{worker.folder}' has a space in it, which schedulers do not take; use another")
    if worker.secrets is not None and (problem := secrets_problem(worker.secrets)):
        yield Problem("secrets", problem)
    seen: dict[str, str] = {}
    for kind, resources in worker.kinds.items():
        path = f"kinds.{kind}"
        if resources.margin >= resources.walltime:
            text = f"{resources.margin} s is not less than the walltime of {resources.walltime} s"
            yield Problem(f"{path}.margin", f"{text}; allowed: less, with time enough for a calculation before")
        if resources.workers > resources.cores:
            text = f"{resources.workers} processes on {resources.cores} cores; allowed: at most one a core of a node"
            yield Problem(f"{path}.workers", f"{text}, so raise cores or lower workers")
        for index, name in enumerate(resources.calculators):
            where = f"{path}.calculators[{index}]"
            if name not in CALCULATORS:
                yield Problem(where, unknown(name, CALCULATORS, "calculator"))
            elif name in seen:
                yield Problem(where, f"{name!r} is also at {seen[name]}; keep one of the two")
            seen.setdefault(name, where)
