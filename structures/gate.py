"""Participant: an energy that is about to be added to others, and the gate that decides whether it may be.

Settings have grades. Some must agree between all energies of a sum, some per element that both calculations hold, some
between calculations of one site alone; on some a sum only leaves a warning, and some cannot change an energy.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, Literal

import numpy as np

from atomsieve.structures.errors import InputError, MethodMismatchError
from atomsieve.structures.identity import canonical

#: Tags that must agree, in the order in which they are reported; any other tag must agree as well, and comes after.
SHARED: Final = (
    "calculator",
    "functional",
    "dispersion",
    "u",
    "pseudopotentials",
    "pseudopotential_set",
    "cutoff",
    "basis",
    "grid_spacing",
    "solvent",
    "charge_model",
    "spin_polarised",
    "relativity",
)
#: Mappings from element to setting: they must agree for the elements that both calculations hold.
PER_ELEMENT: Final = ("u", "pseudopotentials")
#: Tags that must agree between calculations of one site, as its cell must. Gas molecules are exempt, and from U too.
SAME_SITE: Final = ("kpoints", "dipole")
#: Tags that only leave a warning.
WARNED: Final = ("smearing", "smearing_width", "precision", "electronic_threshold", "force_threshold")
#: What a method that is silent about a tag means by it.
SILENT: Final[Mapping[str, str]] = {
    "dispersion": "none",
    "solvent": "none",
    "charge_model": "neutral",
    "dipole": "none",
}
#: How work is shared out cannot change an energy.
IGNORED: Final = frozenset({"ncore", "npar", "kpar", "nsim", "lplane", "cores", "nodes", "threads", "processes"})
#: Å within which two cells are the same.
CELL_TOLERANCE: Final = 1e-3
#: Relative tolerance of a number.
TOLERANCE: Final = 1e-6
#: Relative tolerance of a k-point spacing, which follows from a mesh and a cell.
KPOINTS_TOLERANCE: Final = 0.01

_NAMES = frozenset({"functional", "dispersion", "kpoints"})
_NOT_STATED = "not stated"


@dataclass(frozen=True)
class Participant:
    """One calculation whose electronic energy enters a sum.

    Parameters
    ----------
    name : str
        What it is called in messages.
    method : mapping
        As :meth:`~atomsieve.structures.method.Method.to_dict` or ``Method.identity`` gives it.
    elements : frozenset of str or None
        Chemical symbols of its atoms; None where they are not known: then every element counts as held.
    role : {"site", "gas"}
        Gas molecules have their own box, k-points and dipole, and hold no metal with a U.
    cell : sequence of sequence of float or None
        Lattice vectors, Å, shape (3, 3); None for what is not periodic, or where it is not known.
    """

    name: str
    method: Mapping[str, Any]
    elements: frozenset[str] | None = None
    role: Literal["site", "gas"] = "site"
    cell: Sequence[Sequence[float]] | None = None

    def by_element(self, tag: str) -> Mapping[str, Any]:
        """Return one of the tags that hold a value for each element.

        Raises
        ------
        InputError
            If it holds something else.
        """
        value = self.method["physics"].get(tag, {})
        if not isinstance(value, Mapping):
            raise InputError(f"{self.name}: {tag} is {value!r}; give it by element, as {{'Fe': ...}}, or {{}} for none")
        return value


@dataclass
class _Spread:
    """The values of one tag over all participants: the ends of its numbers, and all else that it was."""

    numbers: list[tuple[float, str]] = field(default_factory=list)
    others: dict[str, tuple[str, str]] = field(default_factory=dict)

    def add(self, tag: str, value: Any, name: str) -> None:
        if isinstance(value, int | float) and not isinstance(value, bool):
            low, high = self.numbers or [(float(value), name)] * 2
            # of equal numbers the first name, at either end
            self.numbers = [min(low, (value, name)), min(high, (value, name), key=lambda end: (-end[0], end[1]))]
            return
        text = value if isinstance(value, str) else f"plain {canonical(value)}"
        text = _folded(text) if tag in _NAMES else text
        shown = value if value is _NOT_STATED else repr(value)
        before = self.others.get(text)
        if before is None or (name, shown) < before:
            self.others[text] = (name, shown)

    def conflict(self, relative: float, absolute: float = 0.0) -> tuple[tuple[str, str], tuple[str, str]] | None:
        """Return two participants that disagree and their values, the same two in whichever order they were added."""
        found = sorted(self.others.values())
        if self.numbers:
            low, high = self.numbers
            ends = [(low[1], f"{low[0]:.10g}"), (high[1], f"{high[0]:.10g}")]
            if high[0] - low[0] > absolute + relative * max(abs(low[0]), abs(high[0])):
                return ends[0], ends[1]
            found.insert(0, ends[0])
        return (found[0], found[1]) if len(found) > 1 else None


def require_combinable(participants: Iterable[Participant], *, same_site: bool = True) -> tuple[str, ...]:
    """Refuse to go on unless electronic energies may be added and subtracted.

    The time it takes grows with the number of participants, not with that of their pairs; the order in which they come
    changes nothing.

    Parameters
    ----------
    participants : iterable of Participant
        All energies of the sum.
    same_site : bool
        Whether those of the role ``site`` are one site, so that cell, k-points and dipole must agree among them. If
        not, pseudopotentials must agree wherever two methods name them, for ``elements`` may then be the metals alone.

    Returns
    -------
    tuple of str
        Warnings, a sentence each.

    Raises
    ------
    MethodMismatchError
        Names two calculations, the tag in which they differ, both values, and what to do.
    InputError
        If a tag that goes by element does not.
    """
    everyone = list(participants)
    spreads: defaultdict[str, _Spread] = defaultdict(_Spread)
    _collect_shared(everyone, spreads, same_site=same_site)
    for tag in PER_ELEMENT:
        _collect_by_element(tag, everyone, spreads, same_site=same_site)
    if same_site:
        _collect_cells(everyone, spreads)

    conflicts = {}
    for tag in sorted(spreads, key=_rank):
        is_cell = tag.startswith("cell ")
        relative = 0.0 if is_cell else KPOINTS_TOLERANCE if tag == "kpoints" else TOLERANCE
        if found := spreads[tag].conflict(relative, CELL_TOLERANCE if is_cell else 0.0):
            conflicts[tag] = found
    refused = [tag for tag in conflicts if tag not in WARNED]
    if refused:
        raise MethodMismatchError(_refusal(refused, conflicts))
    return tuple(
        f"{_difference(tag, conflicts[tag])}: their energies are combined all the same, so see that both are converged"
        for tag in conflicts
    )


def _collect_shared(everyone: list[Participant], spreads: dict[str, _Spread], *, same_site: bool) -> None:
    tags = {tag for one in everyone for tag in one.method["physics"]}
    tags = {tag for tag in tags if tag not in PER_ELEMENT and tag.casefold() not in IGNORED}
    cell = next((one.cell for one in everyone if one.role == "site" and one.cell is not None), None)
    for one in everyone:
        physics = one.method["physics"]
        spreads["calculator"].add("calculator", one.method["calculator"], one.name)
        spreads["schema"].add("schema", one.method.get("schema", _NOT_STATED), one.name)
        for tag in tags:
            if tag in SAME_SITE and (one.role == "gas" or not same_site):
                continue
            value = physics.get(tag, SILENT.get(tag, _NOT_STATED))
            if tag == "kpoints" and cell is not None and isinstance(value, int | float):
                value = sampled(float(value), cell)
            if value is not _NOT_STATED or tag not in WARNED:
                spreads[tag].add(tag, value, one.name)


def sampled(spacing: float, cell: Sequence[Sequence[float]]) -> float:
    """Return the spacing of k-points that a mesh really has which is asked for by its spacing.

    Parameters
    ----------
    spacing : float
        Largest distance between k-points that is allowed, 2π included, 1/Å.
    cell : sequence of sequence of float
        Lattice vectors, Å, shape (3, 3).

    Returns
    -------
    float
        The largest along an axis that is divided at all, 1/Å; what was asked for where none is. Two meshes are the same
        where this is, whether it was asked for or read from a mesh.
    """
    lengths = 2 * np.pi * np.linalg.norm(np.linalg.inv(np.asarray(cell, dtype=float)), axis=0)
    # what was read from a mesh may be a rounding error short of what makes it
    numbers = np.ceil(lengths / spacing * (1 - KPOINTS_TOLERANCE / 2))
    return max(
        (float(length / number) for length, number in zip(lengths, numbers, strict=True) if number > 1), default=spacing
    )


def _collect_by_element(tag: str, everyone: list[Participant], spreads: dict[str, _Spread], *, same_site: bool) -> None:
    """Compare per element: one without U has a U of 0, one without a named pseudopotential does not state it."""
    taking_part = [one for one in everyone if not (tag == "u" and one.role == "gas")]
    named = frozenset(element for one in taking_part for element in one.by_element(tag))
    for one in taking_part:
        values = one.by_element(tag)
        if tag == "pseudopotentials" and (one.elements is None or not same_site):
            # which elements it holds is not known, or only in part: compare what is named
            held: Iterable[str] = values.keys()
        else:
            held = named if one.elements is None else named & one.elements
        for element in held:
            value = values.get(element, 0 if tag == "u" else _NOT_STATED)
            spreads[f"{tag} of {element}"].add(tag, value, one.name)


def _collect_cells(everyone: list[Participant], spreads: dict[str, _Spread]) -> None:
    for one in everyone:
        if one.role == "site" and one.cell is not None:
            for vector, components in zip("abc", one.cell, strict=True):
                for axis, component in zip("xyz", components, strict=True):
                    tag = f"cell {vector}_{axis} (Å)"
                    spreads[tag].add(tag, component, one.name)


@cache
def _folded(text: str) -> str:
    """Reduce a name to what its spellings share: ``D3BJ`` is ``D3(BJ)``, ``BEEF vdW`` is ``BEEF-vdW``."""
    return re.sub(r"[\s_()]|-(?!\d)", "", text.casefold()).removeprefix("dft").replace("gamma", "γ")


def _rank(tag: str) -> tuple[int, str]:
    name = tag.partition(" of ")[0]
    if name in SHARED:
        return SHARED.index(name), tag
    return len(SHARED) + (tag in SAME_SITE or tag.startswith("cell ")), tag


def _difference(tag: str, found: tuple[tuple[str, str], tuple[str, str]]) -> str:
    (one, ours), (other, theirs) = sorted(found)
    return f"{one} and {other} differ in {tag} ({ours} and {theirs})"


def _refusal(refused: list[str], conflicts: Mapping[str, tuple[tuple[str, str], tuple[str, str]]]) -> str:
    first = refused[0]
    missing = any(value is _NOT_STATED for _, value in conflicts[first])
    cure = "state it where it is missing, or " if missing else ""
    # the nine components of a cell are one thing to mend
    others = list(dict.fromkeys("cell" if tag.startswith("cell ") else tag for tag in refused[1:]))
    more = f"; at odds as well: {', '.join(others)}" if others and (others != ["cell"] or "cell" not in first) else ""
    return (
        f"{_difference(first, conflicts[first])}: energies that differ in it are never combined; {cure}recompute one "
        f"of them with the other's setting{more}"
    )
