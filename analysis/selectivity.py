"""Selectivity: whether a reaction or one of its rivals comes first on a site, and whether hydrogen covers it before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from atomsieve.analysis.pathways import search
from atomsieve.analysis.surroundings import Surroundings
from atomsieve.structures.reaction import OF, Path, Reaction, product_of, reaction
from atomsieve.structures.state import State, Step

#: What takes an intermediate away from a reaction that the reaction's own network does not list: the O-O bond of OOH*
#: breaks where H2O2 is wanted (doi 10.1038/nmat3795).
BRANCHES = {"ORR-2e": ("H2O", "OOH*", "O* + H2O")}
HYDROGEN = "H"


@dataclass(frozen=True)
class Rival:
    """What competes with a reaction.

    Parameters
    ----------
    name : str
        A reaction, or the product that leaves.
    basis : str
        What is compared: ``limiting potentials``, or the two ``steps from OOH*``.
    wanted, unwanted : float or None
        U_L of the reaction and of its rival (V against RHE), or -ΔG/e of the two steps at 0 V (V).
    """

    name: str
    basis: str
    wanted: float | None
    unwanted: float | None

    @property
    def difference(self) -> float | None:
        """By how much the reaction comes first, V; negative where the rival does."""
        return None if self.wanted is None or self.unwanted is None else self.wanted - self.unwanted


@dataclass(frozen=True)
class Selectivity:
    """A reaction beside its rivals.

    Parameters
    ----------
    rivals : tuple of Rival
        The strongest first.
    is_covered : bool or None
        Whether H* lies lower than the first intermediate, and than the bare site, at the reaction's own U_L; None where
        no hydrogen competes, or it is not known.
    """

    rivals: tuple[Rival, ...]
    is_covered: bool | None

    @property
    def strongest(self) -> Rival | None:
        """The rival by whose difference the reaction is judged; None where nothing is known of any."""
        known = [rival for rival in self.rivals if rival.difference is not None]
        return known[0] if known else None


def selectivity(
    wanted: Reaction,
    free: Mapping[str, float | None],
    around: Surroundings,
    *,
    limits: Mapping[str, float | None] | None = None,
    path: Sequence[State] | None = None,
) -> Selectivity:
    """Hold a reaction against what competes with it.

    Another reaction by the limiting potentials: U_L - U_L(HER) of a reduction (doi 10.1002/cssc.201500322), the other
    way round of an oxidation. A product that leaves an intermediate of the cheapest path by a proton-electron step, by
    that step against the path's own next one: both take as many electrons, so that the difference depends on no
    potential (OOH* to H2O2 or to O*, doi 10.1038/nmat3795). What leaves without electrons is a matter of rates, and is
    not compared.

    Parameters
    ----------
    wanted : Reaction
        The reaction.
    free : mapping of str to (float or None)
        ΔG of each adsorbate at 0 V against RHE, against H2, H2O, CO2 and N2, eV; absent or None where it is not known.
    around : Surroundings
        Free energies of the molecules, and pH.
    limits : mapping of str to (float or None), optional
        U_L of reactions, V against RHE, where they are known already.
    path : sequence of State, optional
        The cheapest path, where it is known already.
    """
    known = dict(limits or {})
    if path is None or wanted.name not in known:
        best = search(wanted, free, around).best
        known[wanted.name], path = best.limiting_potential, best.path.states
    own = known[wanted.name]
    sign = 1.0 if wanted.is_reduction else -1.0
    rivals = []
    for name in wanted.competes:
        other = known[name] if name in known else search(reaction(name), free, around).best.limiting_potential
        compared = (None if value is None else sign * value for value in (own, other))
        rivals.append(Rival(name, "limiting potentials", *compared))
    rivals += _branches(wanted, path, free, around)
    worst = sorted(rivals, key=lambda rival: (rival.difference is None, rival.difference or 0.0))
    return Selectivity(tuple(worst), _covered(wanted, path, own, free, around))


def _branches(
    wanted: Reaction, path: Sequence[State], free: Mapping[str, float | None], around: Surroundings
) -> list[Rival]:
    """Return what leaves the cheapest path by a proton-electron step."""
    ways = [(product_of(chain), Path("", chain).steps[0]) for chain in wanted.leaves]
    if (base := wanted.name.partition(OF)[0]) in BRANCHES:
        name, start, end = BRANCHES[base]
        ways.append((name, Step(State.parse(start), State.parse(end))))
    own = {step.start.species: step for step in reversed(Path("", tuple(path)).steps) if step.start.species}
    found = []
    for name, step in ways:
        kept = own.get(step.start.species)
        if kept is None or step.kind != "proton-electron" or (kept.kind, kept.electrons) != (step.kind, step.electrons):
            continue
        if kept.end.species == step.end.species:
            # what leaves on the path itself is wanted
            continue
        values = [around.change(one, free) for one in (kept, step)]
        stay, leave = (None if value is None else -value / abs(step.electrons) for value in values)
        found.append(Rival(name, f"steps from {next(iter(step.start.adsorbed))}*", stay, leave))
    return found


def _covered(
    wanted: Reaction,
    path: Sequence[State],
    limiting: float | None,
    free: Mapping[str, float | None],
    around: Surroundings,
) -> bool | None:
    hydrogen, first = free.get(HYDROGEN), next((state for state in path if state.adsorbed), None)
    competes = any(HYDROGEN in reaction(name).adsorbates for name in wanted.competes)
    if not competes or hydrogen is None or limiting is None or first is None:
        return None
    there = Step(wanted.start, first)
    change = around.change(there, free)
    if change is None:
        return None
    # H+ + e- + * = H*, at the potential at which the reaction runs
    return bool(hydrogen + limiting < min(change + around.shift(there, limiting), 0.0))
