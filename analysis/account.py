"""Account: the whole sum behind what a reaction does on a site, every summand with its value and its source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from atomsieve.analysis.pathways import toll
from atomsieve.analysis.sums import Ledger, SpeciesSum, StateSum, StepSum
from atomsieve.analysis.surroundings import Surroundings
from atomsieve.structures import reaction as networks
from atomsieve.structures.energies import AdsorptionEnergy
from atomsieve.structures.errors import InputError
from atomsieve.structures.limiting import LimitingPotential
from atomsieve.structures.state import State


@dataclass(frozen=True)
class Account:
    """All sums of a path, and what follows from them.

    Parameters
    ----------
    number, of : int
        Which path it is, the cheapest being the first, and how many there are to choose from.
    path : str
        Its name.
    adsorbates, molecules : tuple of SpeciesSum
        In the order of the path, then those on the way of side products.
    states : tuple of StateSum
        Of the path.
    steps : tuple of StepSum
        Of the path.
    determining : tuple of str
        Texts of the potential-determining steps.
    toll : float or None
        By what paths are ranked, eV an electron; see :func:`~atomsieve.analysis.pathways.toll`.
    hardest : StepSum or None
        The proton-electron step that asks most of the potential; None where a state is not known.
    ends : tuple of StateSum
        Reactants and products, of measured molecules.
    total : StepSum
        From the one to the other.
    equilibrium_potential : float
        V against RHE.
    limiting_potential, overpotential : float or None
        V against RHE, and V; None if undetermined.
    leaves : mapping of str to tuple of StepSum
        The ways on which side products leave, by what is written of the chain.
    """

    number: int
    of: int
    path: str
    adsorbates: tuple[SpeciesSum, ...]
    molecules: tuple[SpeciesSum, ...]
    states: tuple[StateSum, ...]
    steps: tuple[StepSum, ...]
    determining: tuple[str, ...]
    toll: float | None
    hardest: StepSum | None
    ends: tuple[StateSum, StateSum]
    total: StepSum
    equilibrium_potential: float
    limiting_potential: float | None
    overpotential: float | None
    leaves: Mapping[str, tuple[StepSum, ...]]

    def to_dict(self) -> dict[str, Any]:
        """Return all sums as plain data; the parts of a state by symbol."""
        data = asdict(self)
        for name in ("states", "ends"):
            for state, own in zip(getattr(self, name), data[name], strict=True):
                own["parts"] = [{"number": n, "species": part.name, "free": part.free} for n, part in state.parts]
        return data


def account(
    potential: LimitingPotential,
    rows: Mapping[str, AdsorptionEnergy],
    around: Surroundings,
    *,
    number: int = 1,
    decimals: int | None = None,
) -> Account:
    """Return all sums behind a limiting potential.

    Parameters
    ----------
    potential : LimitingPotential
        What is accounted for.
    rows : mapping of str to AdsorptionEnergy
        Those it stands on, by adsorbate.
    around : Surroundings
        Those it was found in.
    number : int
        1 for the cheapest path, 2 for the first of its alternatives, and so on.
    decimals : int, optional
        See :class:`Ledger`.

    Raises
    ------
    InputError
        If there is no such path.
    """
    reaction = networks.reaction(potential.reaction)
    ledger = Ledger(rows, around, decimals)
    of = 1 + len(potential.alternatives)
    if not 1 <= number <= of:
        allowed = f"1 to {of}" if of > 1 else "1, for no other comes near it"
        raise InputError(f"path {number} of {potential.reaction} on {potential.site.label}; allowed: {allowed}")
    if number == 1:
        name, texts = potential.path, [str(state["text"]) for state in potential.states]
        determining = potential.potential_determining_steps
    else:
        other = potential.alternatives[number - 2]
        name, texts = str(other["path"]), list(other["states"])
        determining = tuple(other["potential_determining_steps"])
    path = networks.Path(name, tuple(State.parse(text) for text in texts))
    steps = tuple(ledger.step(step) for step in path.steps)
    states = [*path.states, *(state for chain in reaction.leaves for state in chain)]
    # calculated molecules have a say in steps alone
    measured = Ledger(rows, around.experimental, decimals)
    total = measured.step(reaction.overall, 0.0)
    assert total.free is not None
    equilibrium = ledger.rounded(-total.free / total.electrons) + 0.0
    asked = hardest = limiting = overpotential = None
    if potential.limiting_potential is not None:
        # what a step asks where no potential helps it, and at 0 V where one does
        there = [step.free_at_zero if step.kind == "proton-electron" else step.free for step in steps]
        asked = ledger.rounded(toll(path.steps, dict(zip(path.steps, there, strict=True))))
        hardest = max((step for step in steps if step.kind == "proton-electron"), key=_hardness)
        sign = 1 if reaction.is_reduction else -1
        limiting = ledger.rounded(-sign * _hardness(hardest)) + 0.0
        overpotential = ledger.rounded(sign * (equilibrium - limiting)) + 0.0
    return Account(
        number=number,
        of=of,
        path=name,
        adsorbates=tuple(map(ledger.adsorbate, dict.fromkeys(name for state in states for name in state.adsorbed))),
        molecules=tuple(
            map(
                ledger.molecule,
                dict.fromkeys(name for state in [*states, reaction.start, reaction.end] for name in state.free),
            )
        ),
        states=tuple(map(ledger.state, path.states)),
        steps=steps,
        determining=determining,
        toll=asked,
        hardest=hardest,
        ends=(measured.state(reaction.start), measured.state(reaction.end)),
        total=total,
        equilibrium_potential=equilibrium,
        limiting_potential=limiting,
        overpotential=overpotential,
        leaves={
            " → ".join(state.text for state in chain): tuple(map(ledger.step, networks.Path("", chain).steps))
            for chain in reaction.leaves
        },
    )


def _hardness(step: StepSum) -> float:
    """Return what a step asks of the potential, eV an electron."""
    assert step.free_at_zero is not None
    return step.free_at_zero / abs(step.electrons)
