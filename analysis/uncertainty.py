"""Uncertainty: how errors of adsorption energies become the error bar of a limiting potential."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from atomsieve.analysis.batch import Array, Batch, batch
from atomsieve.analysis.surroundings import Surroundings
from atomsieve.structures.errors import InputError
from atomsieve.structures.limiting import ERROR_BAR
from atomsieve.structures.reaction import Reaction
from atomsieve.structures.state import Step

#: How many sets of adsorption energies are drawn, and from which seed: the same input gives the same error bar.
SAMPLES, SEED = 4000, 6
#: What an error bar may come from.
ASSUMED, PROPAGATED, ENSEMBLE = "assumed", "propagated", "ensemble"


@dataclass(frozen=True)
class ErrorBar:
    """What a limiting potential may be wrong by.

    Parameters
    ----------
    value : float
        V, one standard deviation.
    source : str
        ``assumed``, ``propagated`` or ``ensemble``.
    """

    value: float = ERROR_BAR
    source: str = ASSUMED


class Sampled:
    """A network whose adsorption energies deviate from their values, many times at once.

    Parameters
    ----------
    reaction : Reaction
        The network.
    free : mapping of str to (float or None)
        ΔG of each adsorbate at 0 V against RHE, against H2, H2O, CO2 and N2, eV; absent or None where it is not known.
    around : Surroundings
        Free energies of the molecules.
    """

    def __init__(self, reaction: Reaction, free: Mapping[str, float | None], around: Surroundings) -> None:
        self.reaction = reaction
        self.names = tuple(name for name in reaction.adsorbates if free.get(name) is not None)
        self._free = {name: float(free[name] or 0.0) for name in self.names}
        self._around = around

    def limiting_potentials(self, deviations: Mapping[str, Array]) -> Array:
        """Return U_L of the cheapest path in each sample, V against RHE.

        The cheapest path is found anew in each sample.

        Parameters
        ----------
        deviations : mapping of str to array, shape (m,)
            eV, of each of :attr:`names`.

        Raises
        ------
        InputError
            If no path is determined.
        """
        return self._batch(deviations).limiting_potentials

    def _batch(self, deviations: Mapping[str, Array]) -> Batch:
        return batch(self.reaction, {name: own + deviations[name] for name, own in self._free.items()}, self._around)

    def propagate(self, uncertainties: Mapping[str, float]) -> float:
        """Return the standard error of U_L, V, from those of the adsorption energies.

        Errors of different adsorbates are independent; an adsorbate that two steps share moves both. The error is the
        root of the mean square by which U_L deviates from its value, so that what ties add to the mean is in it. Where
        one step limits in all samples its own error is exact: √Σ σ²/n over the adsorbates that it changes.

        Parameters
        ----------
        uncertainties : mapping of str to float
            One standard deviation of each of :attr:`names`, eV.
        """
        generator = np.random.default_rng(SEED)
        deviations = {name: uncertainties[name] * generator.standard_normal(SAMPLES) for name in self.names}
        found = self._batch(deviations)
        sampled = found.limiting_potentials
        worst = sampled if not self.reaction.is_reduction else -sampled
        for step, own in found.hardness.items():
            if np.array_equal(own, worst):
                return self._exact(step, uncertainties)
        nominal = self.limiting_potentials({name: np.zeros(1) for name in self.names})
        return float(np.sqrt(np.mean((sampled - nominal) ** 2)))

    @staticmethod
    def _exact(step: Step, uncertainties: Mapping[str, float]) -> float:
        changed = {
            name: step.end.adsorbed.get(name, 0) - step.start.adsorbed.get(name, 0)
            for name in step.start.adsorbed.keys() | step.end.adsorbed.keys()
        }
        square = sum((count * uncertainties[name]) ** 2 for name, count in sorted(changed.items()))
        return float(np.sqrt(square)) / abs(step.electrons)


def error_bar(
    reaction: Reaction,
    free: Mapping[str, float | None],
    around: Surroundings,
    *,
    uncertainties: Mapping[str, float] | None = None,
    ensembles: Mapping[str, Any] | None = None,
) -> ErrorBar:
    """Return the error bar of a limiting potential.

    ±0.2 V unless every adsorbate with an energy says something better: an ensemble of a functional's energies (BEEF,
    doi 10.1103/PhysRevB.85.235149), whose members are followed through the network one by one, or a standard error.

    Parameters
    ----------
    reaction : Reaction
        The network.
    free : mapping of str to (float or None)
        ΔG of each adsorbate at 0 V against RHE, against H2, H2O, CO2 and N2, eV; absent or None where it is not known.
    around : Surroundings
        Free energies of the molecules.
    uncertainties : mapping of str to float, optional
        One standard deviation of ΔG of each adsorbate, eV.
    ensembles : mapping of str to array_like, shape (members,), optional
        Deviations of ΔE of each adsorbate, eV, the same member of the functional at the same place in all.

    Raises
    ------
    InputError
        If ensembles differ in length.
    """
    if not uncertainties and not ensembles:
        return ErrorBar()
    network = Sampled(reaction, free, around)
    if ensembles and ensembles.keys() >= set(network.names):
        members = {name: np.asarray(ensembles[name], dtype=float) for name in network.names}
        lengths = {name: len(own) for name, own in members.items()}
        if len(set(lengths.values())) > 1:
            raise InputError(f"ensembles of one reaction hold the same members, but their lengths are {lengths}")
        return ErrorBar(float(np.std(network.limiting_potentials(members))), ENSEMBLE)
    if uncertainties and uncertainties.keys() >= set(network.names):
        return ErrorBar(network.propagate(uncertainties), PROPAGATED)
    return ErrorBar()
