"""State: species that stand together at one point of a reaction, and the Step from one to the next."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Literal

from atomsieve.structures.adsorbate import adsorbate
from atomsieve.structures.errors import InputError
from atomsieve.structures.molecule import molecule

_SPECIES = re.compile(r"^(?:(\d+) +)?([A-Za-z0-9.-]*\*|[A-Za-z0-9]+[+-]?)$")

Kind = Literal["proton-electron", "electron", "proton", "chemical"]


@dataclass(frozen=True, eq=False)
class State:
    """Species that stand together at one point of a reaction; equal whatever the order in which they are written.

    Parameters
    ----------
    text : str
        As written, ``"O* + H2O"``.
    adsorbed : mapping of str to int
        Number of each adsorbate, without the star; empty for the bare site.
    free : mapping of str to int
        Number of each molecule.
    """

    text: str
    adsorbed: Mapping[str, int]
    free: Mapping[str, int]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, State) and self._content == other._content

    def __hash__(self) -> int:
        return hash(self._content)

    @cached_property
    def _content(self) -> tuple[frozenset[tuple[str, int]], frozenset[tuple[str, int]]]:
        return self.species, frozenset(self.free.items())

    @cached_property
    def species(self) -> frozenset[tuple[str, int]]:
        """What is adsorbed."""
        return frozenset(self.adsorbed.items())

    @classmethod
    def parse(cls, text: str) -> State:
        """Read a state from its text.

        Raises
        ------
        InputError
            If a species is not known, or the state has no site.
        """
        adsorbed: dict[str, int] = {}
        free: dict[str, int] = {}
        sites = 0
        for part in re.split(r" \+(?: |$)", text):
            match = _SPECIES.match(part.strip())
            if match is None:
                raise InputError(
                    f"{part.strip()!r} in the state {text!r} is not a species; write '*', 'OH*' or '2 H2O'"
                )
            number, name = int(match[1] or 1), match[2]
            if name.endswith("*"):
                sites += number
                if name != "*":
                    adsorbed[name[:-1]] = adsorbed.get(adsorbate(name[:-1]).name, 0) + number
            else:
                free[name] = free.get(molecule(name).name, 0) + number
        if sites != 1:
            raise InputError(f"the state {text!r} holds {sites} sites; every state holds exactly one")
        return cls(text, MappingProxyType(adsorbed), MappingProxyType(free))

    @property
    def composition(self) -> dict[str, int]:
        """Number of atoms by element, without the site's own."""
        total: dict[str, int] = {}
        parts = [(adsorbate(name).composition, n) for name, n in self.adsorbed.items()]
        parts += [(molecule(name).composition, n) for name, n in self.free.items()]
        for composition, number in parts:
            for element, atoms in composition.items():
                total[element] = total.get(element, 0) + number * atoms
        return total

    @property
    def charge(self) -> int:
        """Charge of the ions among its molecules; sites and what is adsorbed are neutral."""
        return sum(number * molecule(name).charge for name, number in self.free.items())


@dataclass(frozen=True)
class Step:
    """A pair of states.

    Parameters
    ----------
    start, end : State
        Before and after.
    """

    start: State
    end: State

    @cached_property
    def protons(self) -> int:
        """Protons that the step takes up; negative where it gives them off."""
        return self.end.composition.get("H", 0) - self.start.composition.get("H", 0)

    @cached_property
    def electrons(self) -> int:
        """Electrons that the step takes up; negative where it gives them off; 0 for a chemical step."""
        return self.protons + self.start.charge - self.end.charge

    @cached_property
    def kind(self) -> Kind:
        """What is transferred; only (H+ + e-) pairs enter a limiting potential."""
        return kind_of(self.electrons, self.protons)

    def require_balance(self, where: str) -> None:
        """Refuse a step in which other elements than H differ.

        Raises
        ------
        InputError
            Names the reaction (``where``), the step and the element.
        """
        before, after = self.start.composition, self.end.composition
        for element in sorted((before.keys() | after.keys()) - {"H"}):
            if before.get(element, 0) != after.get(element, 0):
                raise InputError(
                    f"{where}: {self.start.text} → {self.end.text} does not balance in {element} "
                    f"({before.get(element, 0)} before, {after.get(element, 0)} after)"
                )

    @cached_property
    def text(self) -> str:
        """What changes: ``OH* → * + H2O``, without molecules that stand on both sides."""
        common = {name: min(number, self.end.free.get(name, 0)) for name, number in self.start.free.items()}
        return f"{_side(self.start, common)} → {_side(self.end, common)}"


def kind_of(electrons: int, protons: int) -> Kind:
    """Name what a step transfers."""
    if electrons == protons:
        return "proton-electron" if electrons else "chemical"
    return "electron" if electrons else "proton"


def _side(state: State, common: Mapping[str, int]) -> str:
    """Write a state without some of its molecules."""
    bound = [f"{name}*" for name in state.adsorbed] or ["*"]
    left = {name: number - common.get(name, 0) for name, number in state.free.items()}
    return " + ".join(
        [*bound, *(name if number == 1 else f"{number} {name}" for name, number in left.items() if number)]
    )


def free_formation(state: State) -> float:
    """Return the experimental free energy of a state's molecules against H2, H2O, CO2 and N2, eV."""
    return sum(number * molecule(name).formation for name, number in state.free.items())
