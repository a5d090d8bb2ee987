"""SpinStart: a spin state that a calculation is started in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class SpinStart:
    """A spin state with a name.

    Parameters
    ----------
    name : str
        ``low``, ``intermediate`` or ``high`` for each metal, joined by hyphens, and how they couple to each other and
        to the support: ``high-high, broken symmetry``.
    multiplicity : int
        2S + 1, or 2 Ms + 1 where spins are antiparallel.
    moments : tuple of float or None
        Start moment of each metal of the site, μB, in the order of its ``metals``; None where nothing is known of them.
    """

    name: str
    multiplicity: int
    moments: tuple[float, ...] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        moments = list(self.moments) if self.moments is not None else None
        return {"name": self.name, "multiplicity": self.multiplicity, "moments": moments}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> SpinStart:
        """Make a start from what :meth:`to_dict` returned."""
        moments = tuple(float(moment) for moment in data["moments"]) if data["moments"] is not None else None
        return cls(data["name"], data["multiplicity"], moments)
