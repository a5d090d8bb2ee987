"""Reaction: a list of states, from which electrons, protons and references follow."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from types import MappingProxyType

from atomsieve.structures.adsorbate import adsorbate, load_yaml
from atomsieve.structures.errors import InputError, unknown
from atomsieve.structures.molecule import molecule

_SPECIES = re.compile(r"^(?:(\d+) +)?([A-Za-z0-9]*\*|[A-Za-z0-9]+)$")


@dataclass(frozen=True)
class State:
    """Species that stand together at one point of a reaction.

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
        for part in text.split("+"):
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


@dataclass(frozen=True)
class Step:
    """A pair of states.

    Parameters
    ----------
    start, end : State
        Before and after.
    electrons : int
        (H+ + e-) pairs that the step takes up; negative where it gives them off; 0 for a chemical step.
    """

    start: State
    end: State
    electrons: int

    @property
    def text(self) -> str:
        """What changes: ``OH* → * + H2O``, without molecules that stand on both sides."""
        common = {name: min(number, self.end.free.get(name, 0)) for name, number in self.start.free.items()}
        return f"{_side(self.start, common)} → {_side(self.end, common)}"


def _side(state: State, common: Mapping[str, int]) -> str:
    """Write a state without some of its molecules."""
    bound = [f"{name}*" for name in state.adsorbed] or ["*"]
    left = {name: number - common.get(name, 0) for name, number in state.free.items()}
    return " + ".join(
        [*bound, *(name if number == 1 else f"{number} {name}" for name, number in left.items() if number)]
    )


@dataclass(frozen=True)
class Reaction:
    """A path from reactants to products.

    Parameters
    ----------
    name : str
        What a campaign calls it.
    title : str
        What it is.
    states : tuple of State
        At least two.
    source : str
        Where the mechanism is described.
    """

    name: str
    title: str
    states: tuple[State, ...]
    source: str

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """The pairs of neighbouring states.

        Raises
        ------
        InputError
            If a step does not balance: only H may differ, as (H+ + e-).
        """
        steps = []
        for start, end in zip(self.states, self.states[1:], strict=False):
            before, after = start.composition, end.composition
            for element in (before.keys() | after.keys()) - {"H"}:
                if before.get(element, 0) != after.get(element, 0):
                    raise InputError(
                        f"{self.name}: {start.text} → {end.text} does not balance in {element} "
                        f"({before.get(element, 0)} before, {after.get(element, 0)} after)"
                    )
            steps.append(Step(start, end, after.get("H", 0) - before.get("H", 0)))
        return tuple(steps)

    @property
    def electrons(self) -> int:
        """(H+ + e-) pairs taken up along the whole path; negative for an oxidation."""
        return sum(step.electrons for step in self.steps)

    @property
    def is_reduction(self) -> bool:
        """Whether electrons are taken up."""
        return self.electrons > 0

    @property
    def adsorbates(self) -> tuple[str, ...]:
        """Names of all intermediates, in the order of the path."""
        return tuple(dict.fromkeys(name for state in self.states for name in state.adsorbed))

    @property
    def experimental_total(self) -> float:
        """Free energy of the whole path at 0 V against RHE from experimental gases, eV."""
        return free_formation(self.states[-1]) - free_formation(self.states[0])

    @property
    def equilibrium_potential(self) -> float:
        """Equilibrium potential, V against RHE, at 298.15 K."""
        return -self.experimental_total / self.electrons


def free_formation(state: State) -> float:
    """Return the experimental free energy of a state's molecules against H2O and H2, eV."""
    return sum(number * (molecule(name).formation or 0.0) for name, number in state.free.items())


@cache
def reactions() -> Mapping[str, Reaction]:
    """Return all reactions by name."""
    table = {
        name: Reaction(name, entry["title"], tuple(State.parse(text) for text in entry["states"]), entry["source"])
        for name, entry in load_yaml("reactions.yaml").items()
    }
    return MappingProxyType(table)


def reaction(name: str) -> Reaction:
    """Return one reaction.

    Raises
    ------
    InputError
        If no reaction has this name.
    """
    if name not in reactions():
        raise InputError(unknown(name, reactions(), "reaction"))
    return reactions()[name]
