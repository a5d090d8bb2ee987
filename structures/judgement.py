"""Judgement: what a geometry turned out to be, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    """What a relaxed geometry turned out to be."""

    INTACT = "intact"
    BOUND = "bound"
    WEAKLY_BOUND = "weakly bound"
    DESORBED = "desorbed"
    DISSOCIATED = "dissociated"
    ISOMERISED = "isomerised"
    MOVED = "moved to another site"
    SUPPORT_REACTED = "support reacted"
    METAL_LEFT = "metal left its site"
    OTHER_SPIN = "in no stated spin state"
    NOT_CONVERGED = "not converged"
    NOT_PLACED = "not placed"


#: The verdicts whose energies may enter a sum.
USABLE = frozenset({Verdict.INTACT, Verdict.BOUND})


@dataclass(frozen=True)
class Judgement:
    """A verdict with its reason.

    Parameters
    ----------
    verdict : Verdict
        What the geometry is.
    reason : str
        One clause with the number that decided.
    measures : mapping of str to float
        Distances (Å) that were looked at.
    """

    verdict: Verdict
    reason: str
    measures: Mapping[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {"verdict": str(self.verdict), "reason": self.reason, "measures": dict(self.measures)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Judgement:
        """Make a judgement from what :meth:`to_dict` returned."""
        return cls(Verdict(data["verdict"]), data["reason"], data["measures"])
