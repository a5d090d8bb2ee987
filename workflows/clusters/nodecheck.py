"""Nodecheck: what a node of a cluster finds of what a campaign needs there; a line of JSON for each step.

The job of ``atomsieve doctor --worker`` runs
``python -m atomsieve.workflows.clusters.nodecheck REPORT SECONDS CALCULATOR...``.
"""

from __future__ import annotations

import json
import os
import platform
import socket
import sys
import tempfile
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

from atomsieve.structures.errors import AtomsieveError
from atomsieve.workflows.settings import read_settings

#: Name of a step, how it went (as :attr:`~atomsieve.workflows.doctor.Finding.state`), what was seen.
Step = tuple[str, str, str]


def examine(calculators: Sequence[str], timeout: float) -> Iterator[Step]:
    """Look at this node.

    Parameters
    ----------
    calculators : sequence of str
        That are to work here.
    timeout : float
        Seconds that each has for a molecule.
    """
    yield "python", "works", f"{platform.python_version()}, {sys.executable} on {socket.gethostname()}"
    yield "atomsieve", "works", version("atomsieve")
    settings = read_settings()
    try:
        with tempfile.TemporaryDirectory(prefix=".atomsieve-doctor-", dir=settings.folder) as folder:
            (Path(folder) / "written").write_text("here", encoding="utf-8")
            (Path(folder) / "linked").hardlink_to(Path(folder) / "written")
    except OSError as error:
        yield "folder there", "broken", str(error)
    else:
        yield "folder there", "works", f"{settings.folder} can be written to, and has hard links"
    yield _database()
    for name in calculators:
        yield _calculator(name, timeout)


def _database() -> Step:
    from atomsieve.analysis.database import Database

    settings = read_settings()
    if settings.mongodb_uri is None:
        return "database there", "missing", "ATOMSIEVE_MONGODB_URI is not set on the node"
    database = Database.mongodb(settings.mongodb_uri.get_secret_value(), settings.mongodb_database)
    try:
        with database:
            return "database there", "works", f"{database.title}: {database.calculations.count():,} calculations"
    except AtomsieveError as error:
        return "database there", "broken", str(error)


def _calculator(name: str, timeout: float) -> Step:
    from atomsieve.workflows.calculators import calculator
    from atomsieve.workflows.probe import probe

    entry = calculator(name)
    if lacks := entry.requirement.missing():
        return name, "missing", f"no {', no '.join(lacks)}; {entry.requirement.mend}"
    if problems := entry.problems({}):
        return name, "missing", "; ".join(f"{problem.path}: {problem.message}" for problem in problems)
    if entry.tier == "dft":
        return name, "there", "not tried: the test job has one core"
    works, text = probe(name, timeout)
    return name, "works" if works else "broken", text


def main(report: Path, timeout: float, calculators: Sequence[str]) -> None:
    """Write what is found to a file, a line as soon as each step is done."""
    descriptor = os.open(report, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "a", encoding="utf-8") as file:
        for step in examine(calculators, timeout):
            file.write(json.dumps(step) + "\n")
            file.flush()
        file.write(json.dumps(["end", "works", ""]) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]), sys.argv[3:])
