"""Attempts: how far a calculation has come, rung by rung of its ladder; survives the process that made it.

A ladder changes numerics alone: an SCF that does not converge gets a slower mixer, then another guess; a geometry that
runs out of steps goes on with another optimiser from where it is. What changes the physics is another method.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms

from atomsieve.structures.errors import FailureClass
from atomsieve.workflows import interruption
from atomsieve.workflows.claims import Claim

#: Numerics to try in turn where a geometry does not converge.
GEOMETRY: tuple[Mapping[str, Any], ...] = ({"optimizer": "FIRE"},)
#: Seconds between two writes of a checkpoint: cheap steps must not wait for the disk.
EVERY = 2.0
#: Name of the file in the directory of a calculation.
CHECKPOINT = "checkpoint.json"


@dataclass
class Attempt:
    """One rung.

    Parameters
    ----------
    changes : mapping
        Numerics other than those of the campaign.
    force_calls : int
        Evaluations of the forces.
    seconds : float
        Wall time.
    max_force : float or None
        Largest force at the end, eV/Å.
    failure_class : str or None
        Why it ended; None where it converged.
    text : str
        The same in words.
    """

    changes: dict[str, Any]
    force_calls: int = 0
    seconds: float = 0.0
    max_force: float | None = None
    failure_class: str | None = None
    text: str = ""


@dataclass
class Course:
    """All attempts at one calculation, and the last geometry of which forces are known.

    Parameters
    ----------
    directory : Path
        Of the calculation.
    claim : Claim or None
        The right to work on it; None where nobody else can.
    attempts : list of Attempt
        The last one is under way.
    positions : list or None
        Å, shape (n, 3); None before the first evaluation.
    """

    directory: Path
    claim: Claim | None = None
    attempts: list[Attempt] = field(default_factory=list)
    positions: list[list[float]] | None = None
    _written: float = field(default_factory=time.monotonic, repr=False)
    _began: float = field(default_factory=time.perf_counter, repr=False)

    @classmethod
    def resume(cls, directory: Path, claim: Claim | None = None) -> Course:
        """Return the course that was under way in a directory, or a new one."""
        course = cls(directory, claim)
        # a checkpoint that was cut short is as good as none
        with suppress(FileNotFoundError, ValueError, KeyError, TypeError):
            data = json.loads((directory / CHECKPOINT).read_text(encoding="utf-8"))
            course.attempts = [Attempt(**attempt) for attempt in data["attempts"]]
            course.positions = data["positions"]
        if not course.attempts:
            course.attempts = [Attempt({})]
        course._begin()
        return course

    @property
    def now(self) -> Attempt:
        """The attempt that is under way."""
        return self.attempts[-1]

    @property
    def force_calls(self) -> int:
        """Evaluations of the forces in all attempts."""
        return sum(attempt.force_calls for attempt in self.attempts)

    def evaluated(self, atoms: Atoms) -> None:
        """Take note of an evaluation.

        Raises
        ------
        StaleAttemptError
            If a later attempt has begun.
        """
        self.now.force_calls += 1
        if self.claim is not None:
            self.claim.advance()
        if not np.isfinite(atoms.positions).all():
            return
        self.positions = atoms.positions.tolist()
        if time.monotonic() - self._written >= EVERY:
            self._write()

    def step(self, atoms: Atoms) -> None:
        """Take note of an evaluation, and stop there if that was asked for.

        Raises
        ------
        Interrupted
            When the checkpoint is written.
        StaleAttemptError
            If a later attempt has begun.
        """
        self.evaluated(atoms)
        self.stop_if_asked()

    def stop_if_asked(self) -> None:
        """Write the checkpoint and stop, if that was asked for.

        Raises
        ------
        Interrupted
            When the checkpoint is written.
        """
        if interruption.requested() is not None:
            self._write()
            interruption.check()

    def fail(self, kind: FailureClass, text: str, max_force: float | None, ladder: Mapping[str, Sequence[Any]]) -> bool:
        """End the attempt; return whether another has begun.

        Parameters
        ----------
        kind : FailureClass
            What to do next.
        text : str
            Why.
        max_force : float or None
            eV/Å.
        ladder : mapping of str to sequence
            Changes of numerics under ``scf`` and ``geometry``; no more are tried than there are.
        """
        now = self.now
        now.failure_class, now.text, now.max_force = str(kind), text, max_force
        self._end()
        rungs = ladder.get({FailureClass.OTHER_SETTINGS: "scf", FailureClass.CONTINUE: "geometry"}.get(kind, ""), ())
        used = sum(attempt.failure_class == kind for attempt in self.attempts)
        if used > len(rungs):
            return False
        self.attempts.append(Attempt({**now.changes, **rungs[used - 1]}))
        self._begin()
        self._write()
        return True

    def converge(self, max_force: float) -> None:
        """End the last attempt."""
        self.now.max_force = max_force
        self._end()

    def to_list(self) -> list[dict[str, Any]]:
        """Return all attempts as plain data."""
        return [asdict(attempt) for attempt in self.attempts]

    def _begin(self) -> None:
        self._began = time.perf_counter() - self.now.seconds

    def _end(self) -> None:
        self.now.seconds = time.perf_counter() - self._began

    def _write(self) -> None:
        self._written = time.monotonic()
        self._end()
        if self.claim is not None:
            self.claim.check()
        partial = self.directory / f"{CHECKPOINT}.partial"
        partial.write_text(json.dumps({"attempts": self.to_list(), "positions": self.positions}), encoding="utf-8")
        partial.replace(self.directory / CHECKPOINT)
