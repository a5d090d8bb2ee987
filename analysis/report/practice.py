"""Practice: what was done in a campaign, as its methods paragraph says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from atomsieve.structures.method import Tier


@dataclass(frozen=True)
class Theory:
    """A calculator with all that fixes its energies.

    Parameters
    ----------
    title : str
        What a paper calls it.
    name : str
        Its name in the table of calculators.
    tier : {"mock", "semiempirical", "potential", "dft"}
        How far its numbers can be trusted.
    physics : mapping
        As in :class:`~atomsieve.structures.method.Method`.
    source : str
        What is cited for it; empty where nothing is known.
    spin : {"none", "multiplicity", "moments"}
        What it does with spin.
    moves : bool
        Whether it relaxes geometries by an optimiser of its own.
    """

    title: str
    name: str
    tier: Tier
    physics: Mapping[str, Any]
    source: str = ""
    spin: Literal["none", "multiplicity", "moments"] = "none"
    moves: bool = False


@dataclass(frozen=True)
class Treatment:
    """What is done at every site of one stage, or of a campaign without stages.

    Parameters
    ----------
    name : str or None
        The stage's.
    relaxed : Theory
        What geometries are relaxed with.
    energies : Theory
        Where the energies come from; the same unless single points follow.
    before : Theory or None
        What relaxes every start first.
    fmax, fmax_before : float
        Largest force at convergence, eV/Å.
    keep : int or None
        At most so many poses of each spin go on from the pre-relaxation.
    optimizer : str
        ASE's, where the calculator has none of its own.
    max_steps : int
        Of it.
    clean, adsorbed : int or str
        Spin starts, as a campaign states them.
    poses : mapping
        ``tilts`` (degrees), ``azimuths``, ``most``, ``torsions``.
    corrections, solvation, gas_corrections, gases : str
        As a campaign states them.
    vibrations : mapping or None
        ``displacement`` (Å), ``floor`` (cm⁻¹), ``metal`` and ``follow``, where there are any.
    stability : mapping or None
        ``schemes`` by metal, ``activity`` (mol/kg), ``demetallation``, ``aggregation``, ``ligands``.
    starts : str or None
        Name of the stage at whose geometries relaxations start.
    criteria : str
        What a site must fulfil to pass on.
    entered, passed : int
        Sites.
    """

    name: str | None
    relaxed: Theory
    energies: Theory
    before: Theory | None = None
    fmax: float = 0.05
    fmax_before: float = 0.1
    keep: int | None = None
    optimizer: str = "BFGS"
    max_steps: int = 300
    clean: int | str = "scan"
    adsorbed: int | str = "inherit"
    poses: Mapping[str, Any] = field(default_factory=dict)
    corrections: str = "none"
    solvation: str = "none"
    gas_corrections: str = "none"
    gases: str = "experiment"
    vibrations: Mapping[str, Any] | None = None
    stability: Mapping[str, Any] | None = None
    starts: str | None = None
    criteria: str = ""
    entered: int = 0
    passed: int = 0


@dataclass(frozen=True)
class Practice:
    """What was done in a campaign.

    Parameters
    ----------
    treatments : tuple of Treatment
        One for each stage; one where there are none.
    families : mapping of str to int
        Number of sites by the title of their family.
    metals, elements : tuple of str
        Chemical symbols of the metals, and of all atoms as far as they are known.
    reactions : tuple of str
        Names, competing ones included.
    adsorbates : tuple of str
        Names.
    references : tuple of str
        Molecules that adsorption energies refer to.
    conditions : mapping
        As a campaign resolves them.
    sites, complete : int
        How many, and how many of them have all their results.
    done, failed, rejected : int
        Calculations with an energy, without one, and relaxed geometries of which the energy may not be used.
    error_bars : tuple of (float, str)
        Error bars of limiting potentials (V) and where they come from, as far as they are all the same.
    versions : mapping of str to str
        Versions of programs.
    days : str
        When it was calculated; empty where that is not known.
    probed : bool
        Whether the stretch of carbon monoxide was asked for.
    ingested : bool
        Whether the calculations were made elsewhere.
    """

    treatments: tuple[Treatment, ...]
    families: Mapping[str, int]
    metals: tuple[str, ...]
    elements: tuple[str, ...]
    reactions: tuple[str, ...]
    adsorbates: tuple[str, ...]
    references: tuple[str, ...]
    conditions: Mapping[str, Any]
    sites: int
    complete: int
    done: int
    failed: int
    rejected: int
    error_bars: tuple[tuple[float, str], ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    days: str = ""
    probed: bool = False
    ingested: bool = False
