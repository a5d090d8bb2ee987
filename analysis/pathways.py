"""Pathways: the cheapest way through the network of a reaction, those close to it, and where side products leave."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from atomsieve.analysis.surroundings import Surroundings
from atomsieve.structures.errors import InputError
from atomsieve.structures.limiting import SideProduct, StepEnergy
from atomsieve.structures.reaction import Path, Reaction, product_of
from atomsieve.structures.state import State, Step

#: eV within which two steps count as equally hard.
TIE = 0.05
#: V within which a path counts as an alternative to the cheapest, and how many of these are named.
THRESHOLD, MOST = 0.1, 10
#: Digits to which energies are rounded before paths are ranked, so that equal ones go by their length and name.
DECIMALS = 6

Free = Mapping[str, float | None]
Species = frozenset[tuple[str, int]]


@dataclass(frozen=True)
class PathEnergies:
    """A path with numbers.

    Parameters
    ----------
    path : Path
        The path.
    states : tuple of (float or None)
        Free energy of each state at 0 V against RHE, eV; None where an intermediate is missing.
    steps : tuple of StepEnergy
        All steps, at 0 V and at the potential asked for.
    limiting_potential : float or None
        V against RHE; None where a state is missing.
    overpotential : float or None
        V.
    potential_determining_steps : tuple of str
        The hardest proton-electron step and those within 0.05 eV of it.
    """

    path: Path
    states: tuple[float | None, ...]
    steps: tuple[StepEnergy, ...]
    limiting_potential: float | None
    overpotential: float | None
    potential_determining_steps: tuple[str, ...]


@dataclass(frozen=True)
class Search:
    """What was found in a network.

    Parameters
    ----------
    best : PathEnergies
        The cheapest path; where none is determined, the first, with what is known of it.
    alternatives : tuple of PathEnergies
        Other determined paths whose toll lies within a threshold of its own, the cheapest first, at most ten.
    within : int
        How many there are within the threshold.
    undetermined, paths : int
        Paths of which an intermediate is missing, and all.
    side_products : tuple of SideProduct
        Where they leave.
    """

    best: PathEnergies
    alternatives: tuple[PathEnergies, ...]
    within: int
    undetermined: int
    paths: int
    side_products: tuple[SideProduct, ...]


class Network:
    """A reaction with the free energies of one site.

    Parameters
    ----------
    reaction : Reaction
        The network.
    free : mapping of str to (float or None)
        ΔG of each adsorbate at 0 V against RHE, against H2, H2O, CO2 and N2, eV; absent or None where it is not known.
    around : Surroundings
        Free energies of the molecules, potential and pH.

    Raises
    ------
    InputError
        If the reaction moves no electrons, or a step moves (H+ + e-) against the direction of the whole.
    """

    def __init__(self, reaction: Reaction, free: Free, around: Surroundings) -> None:
        self.reaction = reaction
        self.around = around
        self._free = free
        self._sign = 1 if reaction.is_reduction else -1
        wrong = [s for s in reaction.steps if s.kind == "proton-electron" and s.electrons * reaction.electrons < 0]
        if wrong or not reaction.electrons:
            raise InputError(
                f"{reaction.name}: its steps take up {[step.electrons for step in reaction.steps]} electrons; a "
                "limiting potential needs steps that all reduce, or all oxidise; split the reaction"
            )
        self._states = {state: around.energy(state, free) for state in reaction.states}
        self._changes = {step: around.change(step, free) for step in reaction.steps}

    def _hardness(self, step: Step) -> float | None:
        """Return what a proton-electron step asks of the potential, eV an electron; None of any other step."""
        change = self._changes[step]
        return change / abs(step.electrons) if change is not None and step.kind == "proton-electron" else None

    def search(self, threshold: float = THRESHOLD) -> Search:
        """Return the cheapest path: the one of the least toll (:func:`tolls`).

        Among paths of the same toll the one whose hardest proton-electron step is easiest comes first, then the one
        whose hardest other step (desorption, coupling) is, then the shorter one.

        Parameters
        ----------
        threshold : float
            eV within which other paths are listed.
        """
        paths = self.reaction.paths
        there = {
            step: change if step.kind == "proton-electron" else change + self.around.shift(step)
            for step, change in self._changes.items()
            if change is not None
        }
        ranked: list[tuple[float, float, float, int, int]] = []
        for place, path in enumerate(paths):
            if any(step not in there for step in path.steps):
                continue
            pairs = [there[step] / abs(step.electrons) for step in path.steps if step.kind == "proton-electron"]
            other = max((there[step] for step in path.steps if step.kind != "proton-electron"), default=0.0)
            asked, worst = round(toll(path.steps, there), DECIMALS), round(max(pairs), DECIMALS)
            ranked.append((asked, worst, round(other, DECIMALS), len(path.steps), place))
        ranked.sort()
        near = [entry for entry in ranked[1:] if entry[0] <= ranked[0][0] + threshold]
        return Search(
            self.along(paths[ranked[0][-1] if ranked else 0]),
            tuple(self.along(paths[place]) for *_, place in near[:MOST]),
            len(near),
            len(paths) - len(ranked),
            len(paths),
            tuple(self._side_products(there)),
        )

    def along(self, path: Path) -> PathEnergies:
        """Return the steps of one path, and its limiting potential.

        ΔG(U) = ΔG(0) + n U for a step that takes up n (H+ + e-) (doi 10.1021/jp047349j). A reduction runs downhill
        below U_L = -max ΔG(0)/n, an oxidation above U_L = max ΔG(0)/(-n); other steps never enter. None as soon as one
        state is missing: the rest says nothing about it.
        """
        steps = []
        for step in path.steps:
            change = self._changes[step]
            there = change + self.around.shift(step) if change is not None else None
            steps.append(StepEnergy(step.text, step.electrons, step.protons, change, there))
        states = tuple(self._states[state] for state in path.states)
        if None in states:
            return PathEnergies(path, states, tuple(steps), None, None, ())
        hardness = {step.text: value for step in path.steps if (value := self._hardness(step)) is not None}
        worst = max(hardness.values())
        limiting = -self._sign * worst
        return PathEnergies(
            path,
            states,
            tuple(steps),
            limiting,
            self._sign * (self.around.equilibrium(self.reaction.overall) - limiting),
            tuple(text for text, value in hardness.items() if value >= worst - TIE),
        )

    def _side_products(self, there: Mapping[Step, float]) -> list[SideProduct]:
        reach = self._reach(there) if self.reaction.leaves else {}
        found = []
        for chain in self.reaction.leaves:
            _, arrived = reach.get(chain[0].species, (0.0, None))
            steps = Path("", chain).steps
            changes = [self.around.change(step, self._free) for step in steps]
            limiting = None
            if arrived is not None and None not in changes:
                pairs = [
                    change / abs(step.electrons)
                    for step, change in zip(steps, changes, strict=True)
                    if change is not None and step.kind == "proton-electron"
                ]
                limiting = -self._sign * max([arrived, *pairs])
            last = changes[-1]
            found.append(
                SideProduct(
                    product_of(chain),
                    chain[0].text.split(" + ")[0],
                    tuple(step.text for step in steps),
                    last,
                    last + self.around.shift(steps[-1]) if last is not None else None,
                    limiting if limiting is None or abs(limiting) != float("inf") else None,
                )
            )
        return found

    def _reach(self, there: Mapping[Step, float]) -> dict[Species, tuple[float, float]]:
        """Return by what is adsorbed the toll and the hardest proton-electron step (eV) of the cheapest way there."""
        found: dict[Species, tuple[float, float]] = {}
        for path in self.reaction.paths:
            known = list(takewhile(there.__contains__, path.steps))
            worst = float("-inf")
            for step, so_far in zip(known, tolls(known, there), strict=True):
                if step.kind == "proton-electron":
                    worst = max(worst, there[step] / abs(step.electrons))
                found[step.end.species] = min(found.get(step.end.species, (so_far, worst)), (so_far, worst))
        return found


def tolls(
    steps: Iterable[Step],
    changes: Mapping[Step, Any],
    least: Callable[[Any, Any], Any] = min,
    most: Callable[[Any, Any], Any] = max,
) -> Iterator[Any]:
    """Yield after each step what the hardest part of a path so far asks: its toll.

    That is a proton-electron step with what is climbed just before it. An intermediate that a chemical step has lifted
    is no cheaper to reduce for that: what N2* lies above N2 has to be paid for by the step to NNH*. What is released
    before is not refunded, as in U_L; a climb at the end (desorption) is no part of it. This ranks paths, no more: U_L
    of a path has its proton-electron steps alone.

    Parameters
    ----------
    steps : iterable of Step
        One after another.
    changes : mapping of Step to float or array
        ΔG of each, eV; arrays of one shape with ``least`` and ``most`` for arrays.
    least, most : callable
        Of two.

    Yields
    ------
    float or array
        eV an electron; minus infinity before the first proton-electron step.
    """
    worst: Any = float("-inf")
    height: Any = 0.0
    lowest: Any = 0.0
    for step in steps:
        if step.kind == "proton-electron":
            worst = most(worst, (changes[step] + height - lowest) / abs(step.electrons))
            height = lowest = 0.0
        else:
            height = height + changes[step]
            lowest = least(lowest, height)
        yield worst


def toll(
    steps: Iterable[Step],
    changes: Mapping[Step, Any],
    least: Callable[[Any, Any], Any] = min,
    most: Callable[[Any, Any], Any] = max,
) -> Any:
    """Return the toll of a whole path, see :func:`tolls`."""
    return list(tolls(steps, changes, least, most))[-1]


def search(reaction: Reaction, free: Free, around: Surroundings, *, threshold: float = THRESHOLD) -> Search:
    """Return the cheapest path through a reaction, see :class:`Network`."""
    return Network(reaction, free, around).search(threshold)


def texts(states: Sequence[State]) -> list[str]:
    """Return the states of a path as they are written."""
    return [state.text for state in states]
