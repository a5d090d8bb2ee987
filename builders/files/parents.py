"""Parent: a structure that a person brought along, looked through: its bonds, its metals, what is wrong with it."""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from ase import Atoms

from atomsieve.builders.bonding import METALS, Graph, graph
from atomsieve.builders.files.soundness import complaints
from atomsieve.builders.files.spaces import space
from atomsieve.structures.errors import InputError, unknown
from atomsieve.structures.identity import canonical, geometry_key
from atomsieve.structures.site import SiteKind, atoms_from_dict

#: How a metal is chosen.
CHOICES: Final = (
    "each (every metal that is different), the index of an atom as 12 (counted from 0), 12+13 for the metals of one "
    "site, an element as Co, or an element with its donors as Co-N4"
)
# Two metals are the same by symmetry if no distance to the atoms of each element differs by more, so far out, Å.
_ALIKE, _FAR = 0.05, 8.0
_DONORS = re.compile(r"(?:[A-Z][a-z]?[0-9]*)+")


@dataclass(frozen=True, eq=False)
class Parent:
    """A structure with its bonds.

    Parameters
    ----------
    name : str
        For labels.
    atoms : ase.Atoms
        Never changed.
    key : str
        Of the geometry, rounded.
    """

    name: str
    atoms: Atoms
    key: str

    @cached_property
    def kind(self) -> SiteKind:
        """What kind of site it is."""
        return space(self.atoms)

    @cached_property
    def graph(self) -> Graph:
        """Its bonds."""
        return graph(self.atoms)

    @cached_property
    def complaints(self) -> tuple[str, ...]:
        """What is wrong with it."""
        return tuple(complaints(self.atoms, self.graph, flat=self.kind == "sheet"))

    @cached_property
    def metals(self) -> tuple[int, ...]:
        """The metals that something holds."""
        return tuple(i for i in range(len(self.atoms)) if self.graph.is_metal(i) and self.graph.links[i])

    def shell(self, *metals: int) -> str:
        """Return the donors of some metals, as ``N3Cl``; what bridges two of them is counted once."""
        donors = {
            (link.atom, link.shift if len(metals) == 1 else ()) for metal in metals for link in self.graph.links[metal]
        }
        return _shell(Counter(self.graph.symbol(atom) for atom, _ in donors))

    def choose(self, choice: str | int) -> tuple[tuple[int, ...], ...]:
        """Return the metals that a choice stands for, one of each that are the same by symmetry.

        Parameters
        ----------
        choice : str or int
            See :data:`CHOICES`.

        Returns
        -------
        tuple of tuple of int
            The metals of each site.

        Raises
        ------
        InputError
            If there are none such; says which there are.
        """
        if not self.metals:
            raise InputError(f"there is no metal with a donor in {self.name}; write a structure that has one")
        if isinstance(choice, int):
            return (self._same(self._checked(choice)),)
        if "+" in choice:
            return (tuple(sorted(self._checked(int(part)) for part in choice.split("+"))),)
        wanted = [metal for metal in self.metals if choice == "each" or _matches(self, metal, choice)]
        if not wanted:
            there = sorted({f"{self.graph.symbol(metal)}-{self.shell(metal)}" for metal in self.metals})
            raise InputError(f"no metal of {self.name} is {choice!r}; there are {', '.join(there)}")
        return tuple(dict.fromkeys(map(self._same, wanted)))

    def _checked(self, atom: int) -> int:
        if atom in self.metals:
            return atom
        what = f"atom {atom} of {self.name} is {self.graph.symbol(atom)}" if 0 <= atom < len(self.atoms) else None
        raise InputError(
            (f"{what}, no metal with donors" if what else f"{self.name} has no atom {atom}")
            + f"; atoms are counted from 0, its metals are {_some(self)}"
        )

    def _same(self, metal: int) -> tuple[int, ...]:
        """Return the first of the metals that are the same by symmetry."""
        return (self._classes[metal],)

    @cached_property
    def _classes(self) -> dict[int, int]:
        found: dict[int, dict[int, npt.NDArray[np.float64]]] = {}
        classes: dict[int, int] = {}
        for metal in self.metals:
            view = self._view(metal)
            first = next((other for other, known in found.items() if self._alike(metal, view, other, known)), metal)
            classes[metal] = first
            if first == metal:
                found[metal] = view
        return classes

    def _view(self, metal: int) -> dict[int, npt.NDArray[np.float64]]:
        """Return the distances of a metal from the atoms of each element, up to a reach."""
        atoms = self.atoms
        vectors = atoms.positions - atoms.positions[metal]
        if atoms.pbc.any():
            cell = atoms.cell.array
            inverse = np.linalg.inv(cell)
            fractions = vectors @ inverse
            vectors = (fractions - np.round(fractions)) @ cell
            images = [range(-n, n + 1) for n in (np.floor(_FAR * np.linalg.norm(inverse, axis=0) + 0.5).astype(int))]
            vectors = (vectors[None] + np.array(list(itertools.product(*images)))[:, None] @ cell).reshape(-1, 3)
        lengths = np.linalg.norm(vectors, axis=1)
        elements = np.tile(atoms.numbers, len(lengths) // len(atoms))
        near = lengths < _FAR
        return {int(e): np.sort(lengths[near & (elements == e)]) for e in np.unique(atoms.numbers)}

    def _alike(
        self,
        metal: int,
        view: Mapping[int, npt.NDArray[np.float64]],
        other: int,
        known: Mapping[int, npt.NDArray[np.float64]],
    ) -> bool:
        if self.atoms.numbers[metal] != self.atoms.numbers[other] or view.keys() != known.keys():
            return False
        for element, lengths in view.items():
            size = max(len(lengths), len(known[element]))
            padded = [
                np.pad(array, (0, size - len(array)), constant_values=_FAR) for array in (lengths, known[element])
            ]
            if np.abs(padded[0] - padded[1]).max(initial=0.0) > _ALIKE:
                return False
        return True


def parent(data: Mapping[str, Any]) -> Parent:
    """Look through a structure, as :func:`atomsieve.builders.files.reading.parse` gives it."""
    return _parent(canonical(data))


@lru_cache(maxsize=32)
def _parent(text: str) -> Parent:
    import json

    data = json.loads(text)
    key = geometry_key(data["numbers"], data["positions"], data["cell"], data["pbc"])
    return Parent(str(data["name"]), atoms_from_dict(data), key)


def parse_choice(value: Any) -> tuple[str | int]:
    """Read which metal is meant, without knowing the structure; see :data:`CHOICES`."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return (value,)
    text = value.replace(" ", "") if isinstance(value, str) else ""
    if re.fullmatch(r"[0-9]+", text):
        return (int(text),)
    if re.fullmatch(r"[0-9]+(\+[0-9]+){1,2}", text) and len(set(parts := [int(p) for p in text.split("+")])) == len(
        parts
    ):
        return ("+".join(map(str, sorted(parts))),)
    symbol, _, donors = text.partition("-")
    if text == "each" or (symbol in METALS and (_DONORS.fullmatch(donors) if "-" in text else True)):
        return (text,)
    if symbol.isalpha() and symbol not in METALS and re.fullmatch("[A-Z][a-z]?", symbol):
        raise InputError(unknown(symbol, METALS, "metal") + f"; write {CHOICES}")
    raise InputError(f"{value!r} chooses no metal; write {CHOICES}")


def _matches(of: Parent, metal: int, choice: str) -> bool:
    symbol, _, donors = choice.partition("-")
    if of.graph.symbol(metal) != symbol:
        return False
    wanted: Counter[str] = Counter()
    for element, number in re.findall("([A-Z][a-z]?)([0-9]*)", donors):
        wanted[element] += int(number or 1)
    return not donors or _shell(wanted) == of.shell(metal)


def _shell(counts: Counter[str]) -> str:
    """Write donors as the field does: nitrogen, then what is left by the alphabet."""
    symbols = sorted(counts, key=lambda symbol: (symbol != "N", symbol))
    return "".join(symbol + (str(counts[symbol]) if counts[symbol] > 1 else "") for symbol in symbols)


def _some(of: Parent) -> str:
    named = [f"{of.graph.symbol(metal)}{metal}" for metal in of.metals]
    return ", ".join(named[:6]) + (f" and {len(named) - 6} more" if len(named) > 6 else "")


def normal_of(of: Parent, metals: Iterable[int]) -> tuple[float, float, float]:
    """Return the unit vector across the plane of the donors of the first of some metals.

    It is the normal of the best plane through the donors where they lie in one, else it points away from them, along
    the gap in the shell. In a sheet it points up, elsewhere to the more open side; where both are alike the first of
    its components that is not small is positive.
    """
    metal = next(iter(metals))
    cell = of.atoms.cell.array
    here = of.atoms.positions[metal]
    vectors = np.array(
        [of.atoms.positions[link.atom] + np.array(link.shift) @ cell - here for link in of.graph.links[metal]]
    )
    units = vectors / np.linalg.norm(vectors, axis=1)[:, None]
    gap = -units.sum(axis=0)
    up = np.array([0.0, 0.0, 1.0])
    normal = up
    if len(vectors) >= 3:
        _, spread, axes = np.linalg.svd(vectors - vectors.mean(axis=0))
        if spread[1] > 0.3 * spread[0] and spread[2] < 0.35 * spread[1]:
            normal = axes[2]
        elif np.linalg.norm(gap) > 0.3:
            normal = gap / np.linalg.norm(gap)
    elif np.linalg.norm(gap) > 0.3 and of.kind in ("cluster", "bulk"):
        normal = gap / np.linalg.norm(gap)
    if of.kind in ("sheet", "layer", "ribbon"):
        sign = 1.0 if normal[2] >= 0 else -1.0
    elif abs(slope := float(normal @ gap)) > 0.05:
        sign = math.copysign(1.0, slope)
    else:
        sign = math.copysign(1.0, next((v for v in normal if abs(v) > 0.1), 1.0))
    x, y, z = (float(component) + 0.0 for component in sign * normal)
    return x, y, z
