"""Textbook: the volcanoes that the literature draws, with the scaling relations that it states."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from atomsieve.analysis.surroundings import Surroundings
from atomsieve.analysis.trends.activity import Activity
from atomsieve.analysis.trends.scaling import ScalingRelation
from atomsieve.structures.errors import InputError, unknown
from atomsieve.structures.reaction import reaction

#: ΔG(OOH*) - ΔG(OH*), eV, known to ±0.2 over metals and oxides (Man et al. 2011).
OOH_SCALING = 3.2
OOH_OVER_OH = ScalingRelation("OH", "OOH", 1.0, OOH_SCALING, source="doi 10.1002/cctc.201000397")


@dataclass(frozen=True)
class Volcano:
    """How a reaction is drawn over one descriptor.

    Parameters
    ----------
    descriptor : str
        See :class:`~atomsieve.analysis.trends.descriptor.Descriptor`.
    relations : tuple of ScalingRelation
        What is assumed; none where the descriptor is all that the reaction needs.
    fixed : mapping of str to float
        ΔG that is held where it does not limit, eV.
    """

    descriptor: str
    relations: tuple[ScalingRelation, ...] = ()
    fixed: Mapping[str, float] = field(default_factory=dict)


#: By reaction. For ORR O* lies halfway between OH* and OOH*, where it never limits; for OER ΔG(OH*) lies where neither
#: the first step nor the last one does.
VOLCANOES: Mapping[str, Volcano] = {
    "ORR": Volcano("OH", (OOH_OVER_OH, ScalingRelation("OH", "O", 1.0, OOH_SCALING / 2, source="halfway to OOH*"))),
    "OER": Volcano("O-OH", (OOH_OVER_OH,), {"OH": 0.86}),
    "ORR-2e": Volcano("OOH"),
    "HER": Volcano("H"),
    "HOR": Volcano("H"),
}


def textbook(name: str, around: Surroundings | None = None) -> Activity:
    """Return the activity of a reaction as the literature draws it.

    Raises
    ------
    InputError
        If the literature has no volcano of it here; an :class:`~atomsieve.analysis.trends.activity.Activity` of any
        reaction can be made from fitted relations.
    """
    if name not in VOLCANOES:
        raise InputError(unknown(name, VOLCANOES, "reaction with a volcano in one descriptor that is known beforehand"))
    entry = VOLCANOES[name]
    return Activity(reaction(name), [entry.descriptor], entry.relations, fixed=entry.fixed, around=around)
