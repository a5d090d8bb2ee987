"""Reaction: routes from reactants to products, from which steps, electrons, protons and all paths follow."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from types import MappingProxyType
from typing import Any

from atomsieve.structures.adsorbate import load_yaml
from atomsieve.structures.errors import InputError, unknown
from atomsieve.structures.identity import content_key
from atomsieve.structures.state import State, Step, free_formation

#: Name of a path that follows no route from end to end.
MIXED = "mixed"
#: Between the name of a reaction and those of the routes to which it is restricted, and between these.
OF, AND = ":", "+"
#: A network with more paths than this is a mistake: no table of them could be read.
MOST_PATHS = 20_000
#: Those that campaigns define beside the table, by name.
_OWN: dict[str, Reaction] = {}


@dataclass(frozen=True)
class Path:
    """One way from reactants to products.

    Parameters
    ----------
    name : str
        The route that it follows, or ``mixed``.
    states : tuple of State
        At least two.
    """

    name: str
    states: tuple[State, ...]

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """The pairs of neighbouring states."""
        return tuple(Step(start, end) for start, end in zip(self.states, self.states[1:], strict=False))

    @property
    def adsorbates(self) -> tuple[str, ...]:
        """Names of its intermediates, in the order of the path."""
        return tuple(dict.fromkeys(name for state in self.states for name in state.adsorbed))


@dataclass(frozen=True)
class Reaction:
    """A network of steps from reactants to products.

    Parameters
    ----------
    name : str
        What a campaign calls it.
    title : str
        What it is.
    routes : mapping of str to tuple of State
        Chains of states, all from the same first to the same last one; together they make the network, whose paths may
        change from one route to another where they meet.
    source : str
        Where the mechanism is described.
    leaves : tuple of tuple of State
        Chains on which side products leave: each from an adsorbate of the network on, balanced in itself.
    competes : tuple of str
        Names of the reactions that take its electrons at the same potential.
    is_own : bool
        Whether a campaign defines it, and no table.
    """

    name: str
    title: str
    routes: Mapping[str, tuple[State, ...]]
    source: str
    leaves: tuple[tuple[State, ...], ...] = ()
    competes: tuple[str, ...] = ()
    is_own: bool = False

    @classmethod
    def from_dict(cls, name: str, entry: Mapping[str, Any], *, is_own: bool = False) -> Reaction:
        """Make a reaction from an entry of the table, or from one that a campaign defines.

        Raises
        ------
        InputError
            If a state cannot be read.
        """
        return cls(
            name,
            entry["title"],
            MappingProxyType({route: _chain(states) for route, states in entry["routes"].items()}),
            entry["source"],
            tuple(_chain(states) for states in entry.get("leaves", ())),
            tuple(entry.get("competes", ())),
            is_own,
        )

    @property
    def definition(self) -> dict[str, Any]:
        """What it is, as plain data, with a ``key`` of its routes."""
        routes = {route: [state.text for state in chain] for route, chain in self.routes.items()}
        leaves = [[state.text for state in chain] for chain in self.leaves]
        return {
            "key": content_key("reaction", [routes, leaves])[:16],
            "title": self.title,
            "routes": routes,
            "leaves": leaves,
            "competes": list(self.competes),
            "source": self.source,
        }

    @property
    def start(self) -> State:
        """The reactants at the bare site."""
        return next(iter(self.routes.values()))[0]

    @property
    def end(self) -> State:
        """The products at the bare site."""
        return next(iter(self.routes.values()))[-1]

    @cached_property
    def states(self) -> tuple[State, ...]:
        """All states, in the order of the routes; the last one is the end."""
        found = dict.fromkeys(state for chain in self.routes.values() for state in chain)
        return (*(state for state in found if state != self.end), self.end)

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """All steps, in the order of the routes.

        Raises
        ------
        InputError
            If a step does not balance: only H may differ, as (H+ + e-), and charge, as e-.
        """
        found = dict.fromkeys(step for chain in self.routes.values() for step in Path("", chain).steps)
        for step in found:
            step.require_balance(self.name)
        return tuple(found)

    @cached_property
    def paths(self) -> tuple[Path, ...]:
        """All paths that come to no state twice, those of the routes first, then the shorter ones."""
        own = {name: set(Path(name, chain).steps) for name, chain in self.routes.items()}
        found = []
        for states in self._walks():
            steps = Path("", states).steps
            found.append(Path(next((name for name, of in own.items() if of.issuperset(steps)), MIXED), states))
            if len(found) > MOST_PATHS:
                raise InputError(f"{self.name} has more than {MOST_PATHS:,} paths; split it into several reactions")
        order = [*own, MIXED]
        return tuple(sorted(found, key=lambda path: (order.index(path.name), len(path.states))))

    def _walks(self) -> Iterator[tuple[State, ...]]:
        following: dict[State, list[State]] = {}
        for step in self.steps:
            following.setdefault(step.start, []).append(step.end)
        open_ends: list[tuple[State, ...]] = [(self.start,)]
        while open_ends:
            walk = open_ends.pop()
            for state in reversed(following.get(walk[-1], [])):
                if state == self.end:
                    yield (*walk, state)
                elif state not in walk:
                    open_ends.append((*walk, state))

    @cached_property
    def overall(self) -> Step:
        """Reactants to products."""
        return Step(self.start, self.end)

    @property
    def electrons(self) -> int:
        """Electrons taken up from reactants to products; negative for an oxidation."""
        return self.overall.electrons

    @property
    def is_reduction(self) -> bool:
        """Whether electrons are taken up."""
        return self.electrons > 0

    @property
    def adsorbates(self) -> tuple[str, ...]:
        """Names of all intermediates, in the order of the routes, then those of side products."""
        chains = [*self.routes.values(), *self.leaves]
        return tuple(dict.fromkeys(name for chain in chains for state in chain for name in state.adsorbed))

    def is_within(self, adsorbates: Iterable[str]) -> bool:
        """Return whether at least one path has no other intermediates than these."""
        known = set(adsorbates)
        return any(known.issuperset(path.adsorbates) for path in self.paths)

    @property
    def molecules(self) -> tuple[str, ...]:
        """Names of all free molecules."""
        chains = [*self.routes.values(), *self.leaves]
        return tuple(dict.fromkeys(name for chain in chains for state in chain for name in state.free))

    @property
    def experimental_total(self) -> float:
        """Free energy of the whole reaction at 0 V and pH 0 from experimental molecules, eV."""
        return free_formation(self.end) - free_formation(self.start)

    @property
    def equilibrium_potential(self) -> float:
        """Equilibrium potential, V against RHE, at 298.15 K, pH 0 and standard activities."""
        return -self.experimental_total / self.electrons + 0.0

    def along(self, names: tuple[str, ...]) -> Reaction:
        """Return the reaction with some of its routes only.

        Raises
        ------
        InputError
            If there is no such route.
        """
        for name in names:
            if name not in self.routes:
                raise InputError(unknown(name, self.routes, f"route of {self.name}"))
        routes = {name: chain for name, chain in self.routes.items() if name in names}
        held = {state.species for chain in routes.values() for state in chain}
        leaves = tuple(chain for chain in self.leaves if chain[0].species in held)
        return replace(self, name=f"{self.name}{OF}{AND.join(routes)}", routes=routes, leaves=leaves)


def product_of(chain: Sequence[State]) -> str:
    """Return what leaves on a chain of states: all that is free at its end, but for water."""
    return " + ".join(name for name in chain[-1].free if name != "H2O")


@cache
def tabulated_reactions() -> Mapping[str, Reaction]:
    """Return the reactions of the table by name."""
    return MappingProxyType(
        {name: Reaction.from_dict(name, entry) for name, entry in load_yaml("reactions.yaml").items()}
    )


@cache
def reactions() -> Mapping[str, Reaction]:
    """Return all reactions by name: those of the table, then what campaigns have defined, as they do."""
    return MappingProxyType(ChainMap(_OWN, dict(tabulated_reactions())))


def define_reaction(own: Reaction) -> None:
    """Let this process know a reaction that the table has not; a later one takes the place of an earlier one."""
    _OWN[own.name] = own
    reaction.cache_clear()


def _chain(texts: Sequence[str]) -> tuple[State, ...]:
    return tuple(State.parse(text) for text in texts)


@cache
def reaction(name: str) -> Reaction:
    """Return one reaction, or with ``NRR:distal`` or ``NRR:distal+alternating`` some of its routes.

    Parameters
    ----------
    name : str
        Its name, or some of its routes: ``NRR:distal``, ``NRR:distal+alternating``.

    Raises
    ------
    InputError
        If no reaction, or no route of it, has this name.
    """
    whole, _, routes = name.partition(OF)
    if whole not in reactions():
        raise InputError(unknown(whole, reactions(), "reaction"))
    found = reactions()[whole]
    return found.along(tuple(routes.split(AND))) if routes else found


def problem_with(name: str) -> str | None:
    """Return what is wrong with the name of a reaction, None if nothing is."""
    try:
        reaction(name)
    except InputError as error:
        return str(error)
    return None
