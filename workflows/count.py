"""Count: calculations of one kind, done already and still to run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

#: Kinds of calculations: gases; the relaxations of a pre-relaxation; relaxations; what refines their lowest states.
MOLECULE, BEFORE_CLEAN, BEFORE_ADSORBED, CLEAN, ADSORBED, ENERGY, DISPLACEMENT, ELECTRONIC = (
    "molecule",
    "before clean",
    "before adsorbed",
    "clean",
    "adsorbed",
    "energy",
    "displacement",
    "electronic",
)
#: Force calls of each: of relaxations as seen with GFN1-xTB on M-N4 graphene; those that go on from the geometries of
#: another method take fewer.
FORCE_CALLS: Mapping[str, int] = {
    MOLECULE: 8,
    BEFORE_CLEAN: 15,
    BEFORE_ADSORBED: 28,
    CLEAN: 15,
    ADSORBED: 28,
    ENERGY: 1,
    DISPLACEMENT: 1,
    ELECTRONIC: 1,
}


@dataclass
class Count:
    """Calculations of one kind.

    Parameters
    ----------
    stored : int
        Done already.
    least, most : int
        Still to run: a range where poses are not yet placed, since they are placed on the relaxed site, and where it is
        not yet known which of them stay bound.
    shared : int
        Those, stored or not, that more than one site or reaction needs; each runs once.
    """

    stored: int = 0
    least: int = 0
    most: int = 0
    shared: int = 0

    def add(self, other: Count) -> None:
        """Add another to it."""
        self.stored += other.stored
        self.least += other.least
        self.most += other.most
        self.shared += other.shared


def total(counts: Iterable[Count]) -> Count:
    """Return the sum of counts."""
    found = Count()
    for count in counts:
        found.add(count)
    return found
