"""Doctor: what works on this machine, what does not, and the command that mends it."""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from rich.markup import escape
from rich.table import Table

from atomsieve.analysis.database import Database
from atomsieve.structures.errors import AtomsieveError, InputError, unknown
from atomsieve.workflows import screen
from atomsieve.workflows.calculators import CALCULATORS, CalculatorEntry, calculator
from atomsieve.workflows.ending import Code
from atomsieve.workflows.folder import Folder
from atomsieve.workflows.probe import probe
from atomsieve.workflows.settings import Settings, core_count, read_settings

#: Calculators that every installation brings.
PLAIN = ("mock", "emt", "gfn1-xtb", "gfn2-xtb")
#: Programs that hand jobs to a cluster, by what they belong to.
SCHEDULERS = {"sbatch": "Slurm", "qsub": "PBS or SGE"}

#: ``there``: found, but not tried; ``ignored``: a variable that means nothing.
State = Literal["works", "there", "missing", "broken", "ignored"]
_STYLES: dict[State, str] = {
    "works": "green",
    "there": "green",
    "missing": "dim",
    "broken": "bold red",
    "ignored": "yellow",
}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Parameters
    ----------
    section : {"calculators", "database", "scheduler", "settings", "worker"}
        What it belongs to.
    name : str
        What it is called.
    state : {"works", "there", "missing", "broken", "ignored"}
        How it is.
    text : str
        What was seen.
    mend : str
        The command or the step that mends it; empty where nothing is to mend.
    required : bool
        Whether a campaign cannot do without it.
    """

    section: Literal["calculators", "database", "scheduler", "settings", "worker"]
    name: str
    state: State
    text: str
    mend: str = ""
    required: bool = False

    @property
    def hurts(self) -> bool:
        """Whether something that is required does not work."""
        return self.required and self.state in ("missing", "broken")


def examine(names: Sequence[str] = (), *, quick: bool = False, timeout: float = 120.0) -> list[Finding]:
    """Look at this machine.

    Parameters
    ----------
    names : sequence of str
        Calculators that are required; if none is named all are looked at, and those of a plain installation required.
    quick : bool
        Only look whether what a calculator needs is there, and calculate nothing.
    timeout : float
        Seconds that a calculator has for a molecule.

    Raises
    ------
    InputError
        If there is no calculator of such a name.
    """
    required = tuple(names) or PLAIN
    found: list[Finding] = []
    entries: list[CalculatorEntry] = []
    for name in names or CALCULATORS:
        try:
            entries.append(calculator(name))
        except InputError as error:
            if name not in CALCULATORS:
                raise
            mend = "mend the package, or uninstall it"
            found.append(Finding("calculators", name, "broken", str(error), mend, required=name in required))
    with ThreadPoolExecutor(core_count()) as pool:
        found += list(pool.map(lambda entry: _calculator(entry, entry.name in required, quick, timeout), entries))
    try:
        settings = read_settings()
    except InputError as error:
        text = str(error)
        found.append(Finding("settings", "environment", "broken", text, "set it right, or unset it", required=True))
    else:
        found += [*_database(settings), *_settings(settings)]
    return found + list(_schedulers())


def _calculator(entry: CalculatorEntry, required: bool, quick: bool, timeout: float) -> Finding:
    def finding(state: State, text: str, mend: str = "") -> Finding:
        return Finding("calculators", entry.name, state, text, mend, required)

    lacks = entry.requirement.missing()
    if lacks:
        return finding("missing", "no " + ", no ".join(lacks), entry.requirement.mend)
    problems = entry.problems({})
    if problems:
        named = ", ".join(problem.path for problem in problems)
        return finding("missing", f"not set: {named}", "; ".join(problem.message for problem in problems))
    if quick:
        return finding("there", "not tried")
    works, text = probe(entry.name, timeout)
    if works:
        return finding("works", text)
    return finding("broken", text, entry.requirement.mend or "install atomsieve again")


def _database(settings: Settings) -> Iterator[Finding]:
    folder = Folder(settings.folder)
    mend = "make room or change its permissions, or set ATOMSIEVE_FOLDER to another folder"
    try:
        text = _embedded(folder)
    except (AtomsieveError, OSError) as error:
        yield Finding("database", "embedded", "broken", str(error), mend, required=True)
    else:
        yield Finding("database", "embedded", "works", text, required=True)
    if settings.mongodb_uri is None:
        return
    database = Database.mongodb(settings.mongodb_uri.get_secret_value(), settings.mongodb_database)
    try:
        with database:
            count = database.calculations.count()
    except AtomsieveError as error:
        mend = "start the server (docker compose up -d), set ATOMSIEVE_MONGODB_URI right, or unset it"
        yield Finding("database", "mongodb", "broken", str(error), mend, required=True)
    else:
        yield Finding("database", "mongodb", "works", f"{database.title}: {count:,} calculations", required=True)


def _embedded(folder: Folder) -> str:
    """Return how the embedded database is, after writing to one beside it and reading that back."""
    ground = folder.root
    while not ground.exists():
        ground = ground.parent
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with tempfile.TemporaryDirectory(prefix=".atomsieve-doctor-", dir=ground) as scratch:
            trial = Database.embedded(Path(scratch) / "atomsieve.sqlite")
            with trial:
                trial.calculations.update([{"key": "doctor", "status": "done"}], key="key")
                if trial.calculations.count({"key": "doctor"}) != 1:
                    raise InputError(f"what is written to {ground} is not there afterwards")
        text = f"{folder.database} can be made"
        if folder.database.exists():
            database = Database.embedded(folder.database)
            with database:
                text = f"{database.title}: {database.calculations.count():,} calculations"
    return "; ".join([text, *dict.fromkeys(str(warning.message) for warning in caught)])


def _settings(settings: Settings) -> Iterator[Finding]:
    workers = settings.workers or core_count()
    yield Finding("settings", "workers", "works", f"{workers} processes, {core_count()} cores", required=True)
    variables = {f"ATOMSIEVE_{name.upper()}": name for name in Settings.model_fields}
    for variable in sorted(name for name in os.environ if name.upper().startswith("ATOMSIEVE_")):
        known = variables.get(variable.upper())
        if known is None:
            text = unknown(variable, variables, "variable")
            yield Finding("settings", variable, "ignored", text, f"unset {variable}, or spell it as one of those")
        else:
            # a secret prints as asterisks
            yield Finding("settings", variable, "works", str(getattr(settings, known)), required=True)


def _schedulers() -> Iterator[Finding]:
    for program, system in SCHEDULERS.items():
        path = shutil.which(program)
        if path is not None:
            yield Finding("scheduler", program, "there", f"{system}: {path}")
        else:
            yield Finding("scheduler", program, "missing", f"no {system} here; campaigns run on this machine's cores")


def doctor(names: Sequence[str], *, quick: bool, timeout: float, as_json: bool) -> int:
    """Look at this machine and print what was found; return the exit code."""
    err = screen.console(stderr=True)
    with err.status("letting each calculator calculate a molecule"):
        found = examine(names, quick=quick, timeout=timeout)
    return show(found, as_json=as_json)


def show(found: Sequence[Finding], *, as_json: bool) -> int:
    """Print what was found; return the exit code."""
    hurting = [finding for finding in found if finding.hurts]
    code = Code.INCOMPLETE if hurting else Code.DONE
    if as_json:
        sections: dict[str, list[dict[str, object]]] = {}
        for finding in found:
            fields = asdict(finding)
            sections.setdefault(fields.pop("section"), []).append(fields)
        screen.print_json({"works": not hurting, **sections})
        return code
    out = screen.console()
    table = Table(title_justify="left")
    for head in ("", "", "state", "seen", "to mend it"):
        table.add_column(head, overflow="fold")
    section = None
    for finding in found:
        if section is not None and finding.section != section:
            table.add_section()
        shown = finding.section if finding.section != section else ""
        section = finding.section
        state = f"[{_STYLES[finding.state]}]{finding.state}[/]"
        table.add_row(shown, finding.name, state, escape(finding.text), escape(finding.mend))
    out.print(table)
    if hurting:
        named = ", ".join(f"{finding.name} ({finding.state})" for finding in hurting)
        out.print(f"required, and not working: {named}", style="bold red")
    else:
        out.print("all that is required works")
    return code
