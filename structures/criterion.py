"""Criterion: what lets a site pass from one stage of a campaign to the next."""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from atomsieve.structures.energies import AdsorptionEnergy, SiteLabel
from atomsieve.structures.limiting import LimitingPotential
from atomsieve.structures.stability import Stability

#: Digits to which values are rounded before they are ranked: equal ones go by the site's key.
DECIMALS = 6

Kind = Literal["reaction", "adsorbate", "site", "stability"]


@dataclass(frozen=True)
class Quantity:
    """What a criterion may ask for.

    Parameters
    ----------
    title : str
        What it is.
    kind : {"reaction", "adsorbate", "site", "stability"}
        What it is a quantity of; those of the stability are the site's as well, where it is calculated.
    unit : str
        Empty for words.
    """

    title: str
    kind: Kind
    unit: str = ""


#: All quantities by name.
QUANTITIES: Mapping[str, Quantity] = MappingProxyType(
    {
        "overpotential": Quantity("overpotential of a reaction", "reaction", "V"),
        "limiting potential": Quantity("limiting potential of a reaction against RHE", "reaction", "V"),
        "free energy": Quantity("adsorption free energy at 0 V against RHE", "adsorbate", "eV"),
        "adsorption energy": Quantity("electronic adsorption energy", "adsorbate", "eV"),
        "verdict": Quantity("what the geometry of one adsorbate, or of each, turned out to be", "adsorbate"),
        "formation energy": Quantity("formation energy of the site for each of its metals", "stability", "eV"),
        "binding energy": Quantity("binding energy of the site's metals, all together", "stability", "eV"),
        "aggregation energy": Quantity("energy for one site's metal to move onto that of another", "stability", "eV"),
        "dissolution potential": Quantity("potential against RHE above which the metal dissolves", "stability", "V"),
        "demetallation energy": Quantity("free energy of the metal's exchange for protons", "stability", "eV"),
        "coverage energy": Quantity("free energy of the strongest ligand's place on the site", "stability", "eV"),
        "stability": Quantity("whether the site withstands all of these", "stability"),
        "metal": Quantity("metal of the site, or several as Fe-Co", "site"),
        "family": Quantity("family of supports", "site"),
    }
)
#: How a value is held against a bound.
COMPARE: Mapping[str, Callable[[float, float], bool]] = MappingProxyType(
    {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
)


@dataclass(frozen=True)
class SiteResult:
    """What is known of a site when it is judged.

    Parameters
    ----------
    site : SiteLabel
        The site.
    rows : mapping of str to AdsorptionEnergy
        By adsorbate.
    potentials : mapping of str to LimitingPotential
        By reaction.
    stability : Stability or None
        Where it was calculated.
    """

    site: SiteLabel
    rows: Mapping[str, AdsorptionEnergy]
    potentials: Mapping[str, LimitingPotential]
    stability: Stability | None = None


@dataclass(frozen=True)
class Condition:
    """What a site must fulfil by itself.

    Parameters
    ----------
    quantity : str
        Its name in :data:`QUANTITIES`.
    of : str or None
        The reaction or the adsorbate; None for a quantity of the site, and for the verdict of every adsorbate.
    relation : str
        ``<``, ``<=``, ``>``, ``>=``, ``is`` or ``is not``.
    value : float or tuple of str
        The bound (eV or V), or the words one of which it must, or must not, be.
    """

    quantity: str
    of: str | None
    relation: str
    value: float | tuple[str, ...]

    def __str__(self) -> str:
        what = named(self.quantity, self.of)
        if isinstance(self.value, tuple):
            return f"{what}{':' if self.relation == 'is' else ' is not'} {' or '.join(self.value)}"
        return f"{what} {self.relation} {_plain(self.value)} {QUANTITIES[self.quantity].unit}"

    def objection(self, result: SiteResult) -> str | None:
        """Return why a site does not fulfil it, in one line; None where it does."""
        if isinstance(self.value, float):
            value, why = _number(self.quantity, self.of, result)
            if value is None:
                return f"{named(self.quantity, self.of)} is undetermined ({why}); wanted: {self}"
            fits = COMPARE[self.relation](value, self.value)
            unit = QUANTITIES[self.quantity].unit
            return None if fits else f"{named(self.quantity, self.of)} is {value:.3f} {unit}; wanted: {self}"
        if self.quantity == "verdict":
            for name in result.rows if self.of is None else [self.of]:
                row = result.rows[name]
                if not self._allows(row.verdict in self.value):
                    return f"{name}*: {row.verdict} ({row.reason}); wanted: {self}"
            return None
        if self.quantity == "stability":
            known = result.stability
            word, why = ("undetermined", "it is not calculated")
            if known is not None:
                word, why = str(known.verdict), known.reason
            return None if self._allows(word in self.value) else f"stability is {word} ({why}); wanted: {self}"
        if self.quantity == "family":
            found, fits = result.site.family, result.site.family in self.value
        else:
            found, own = "-".join(result.site.metals), Counter(result.site.metals)
            fits = any(not Counter(word.split("-")) - own for word in self.value)
        return None if self._allows(fits) else f"{self.quantity} is {found}; wanted: {self}"

    def _allows(self, matches: bool) -> bool:
        return matches == (self.relation == "is")


@dataclass(frozen=True)
class Ranking:
    """How many sites pass, and by what they are ranked.

    Parameters
    ----------
    number : int
        At most so many.
    quantity : str
        Its name in :data:`QUANTITIES`.
    of : str
        The reaction or the adsorbate.
    highest : bool
        Whether high values come first.
    """

    number: int
    quantity: str
    of: str | None
    highest: bool

    def __str__(self) -> str:
        first = "highest" if self.highest else "lowest"
        return f"top {self.number} by {first} {named(self.quantity, self.of)}"


@dataclass(frozen=True)
class Criteria:
    """All that a stage asks of a site: every condition, then a place in the ranking.

    Parameters
    ----------
    conditions : tuple of Condition
        In the order of the file.
    ranking : Ranking or None
        Among those that fulfil all conditions.
    """

    conditions: tuple[Condition, ...] = ()
    ranking: Ranking | None = None

    def __str__(self) -> str:
        return "; ".join(str(part) for part in (*self.conditions, self.ranking) if part is not None)

    def sift(self, results: Iterable[SiteResult]) -> dict[str, str | None]:
        """Return why each site falls out, by the site's key and in the order given; None for those that pass.

        Undetermined values fulfil no condition on a number and have no place in a ranking. Equal values are ranked by
        the sites' keys, so that the outcome never depends on an order.
        """
        found: dict[str, str | None] = {}
        places: list[tuple[float, str, float]] = []
        for result in results:
            key = result.site.key
            objections = (condition.objection(result) for condition in self.conditions)
            found[key] = next((text for text in objections if text is not None), None)
            if found[key] is None and self.ranking is not None:
                value, why = _number(self.ranking.quantity, self.ranking.of, result)
                if value is None:
                    what = named(self.ranking.quantity, self.ranking.of)
                    found[key] = f"{what} is undetermined ({why}); wanted: {self.ranking}"
                else:
                    places.append((round(-value if self.ranking.highest else value, DECIMALS), key, value))
        if self.ranking is not None:
            places.sort()
            unit, what = QUANTITIES[self.ranking.quantity].unit, named(self.ranking.quantity, self.ranking.of)
            for place, (order, key, value) in enumerate(places[self.ranking.number :], start=self.ranking.number + 1):
                tied = order == places[self.ranking.number - 1][0]
                tie = ", equal to the last that passes (ties go by the site's key)" if tied else ""
                found[key] = (
                    f"{what} is {value:.3f} {unit}, place {place} of {len(places)}{tie}; wanted: {self.ranking}"
                )
        return found


def _number(quantity: str, of: str | None, result: SiteResult) -> tuple[float | None, str]:
    """Return a value, or None and why it is not known."""
    if QUANTITIES[quantity].kind == "stability":
        return (None, "it is not calculated") if result.stability is None else result.stability.quantity(quantity)
    assert of is not None
    if QUANTITIES[quantity].kind == "reaction":
        potential = result.potentials[of]
        value = potential.overpotential if quantity == "overpotential" else potential.limiting_potential
        return value, potential.undetermined or "no value"
    row = result.rows[of]
    return (row.free if quantity == "free energy" else row.electronic), f"{of}*: {row.verdict}, {row.reason}"


def named(quantity: str, of: str | None) -> str:
    """Write a quantity with what it is one of."""
    return quantity if of is None else f"{quantity} of {of}"


def _plain(value: float) -> str:
    return repr(value + 0.0).removesuffix(".0")
