"""Settle one small calculation in a process of its own, which a test stops, kills or sends signals to.

Usage: attempt.py FOLDER [KEY=VALUE ...]   prints the outcome's status and energy, or the name of the error, as JSON.

``host`` is what this process takes its host to be called; ``kind`` the calculator: ``mock``, ``hangs`` (sleeps in C for
ever), ``holds`` (sleeps there without letting go of the interpreter); ``seconds`` the time of a force call of the mock;
``fill`` a number of bytes that no file of the process may exceed.
"""

from __future__ import annotations

import ctypes
import json
import resource
import socket
import sys
from dataclasses import replace
from typing import Any

from ase import Atoms
from ase.build import molecule
from ase.calculators.calculator import Calculator, all_changes

from atomsieve.structures.calculation import Request
from atomsieve.structures.errors import AtomsieveError
from atomsieve.structures.judgement import Judgement, Verdict
from atomsieve.workflows import attempts, calculators, interruption
from atomsieve.workflows.calculators import calculator
from atomsieve.workflows.folder import Folder
from atomsieve.workflows.relaxation import settle

NUMERICS = {"max_steps": 500, "optimizer": "BFGS"}


class Hanging(Calculator):
    """Never answers."""

    implemented_properties = ["energy", "forces"]  # noqa: RUF012 - as ASE's own calculators have it

    def __init__(self, *, holds: bool) -> None:
        super().__init__()
        self.holds = holds

    def calculate(self, atoms: Any = None, properties: Any = None, system_changes: Any = all_changes) -> None:
        library = ctypes.PyDLL(None) if self.holds else ctypes.CDLL(None)
        while True:
            library.sleep(1000)


def asked(kind: str = "mock") -> Request:
    """Return the request that is settled."""
    return Request("clean", {"a": 1}, replace(calculator("mock").method({}), calculator=kind), 0.001, multiplicity=1)


def begin() -> Atoms:
    """Return where it starts."""
    start = molecule("CH3OH")
    start.rattle(0.15, seed=5)
    return start


def judge(relaxed: Atoms) -> Judgement:
    """Find everything as it should be."""
    return Judgement(Verdict.INTACT, "", {})


if __name__ == "__main__":
    given = dict(argument.split("=", 1) for argument in sys.argv[2:])
    kind = given.get("kind", "mock")
    if "host" in given:
        socket.gethostname = lambda: given["host"]
    if "fill" in given:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(given["fill"]), int(given["fill"])))
    attempts.EVERY = 0.0
    entry = replace(calculator("mock"), calculator=lambda order, atoms: Hanging(holds=kind == "holds"))
    calculators.CALCULATORS = {**calculators.CALCULATORS, "hangs": entry, "holds": entry}
    interruption.on_signals(SIGTERM="asked to end")
    print("ready", flush=True)
    try:
        numerics = {**NUMERICS, "seconds_per_force_call": float(given.get("seconds", "0"))}
        found = settle(asked(kind), begin(), judge, numerics, Folder(sys.argv[1]))
    except (AtomsieveError, OSError) as error:
        print(json.dumps({"error": type(error).__name__, "text": str(error)}))
        sys.exit(3)
    print(json.dumps({name: found.get(name) for name in ("status", "energy", "force_calls", "text")}))
