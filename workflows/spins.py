"""Spins: which spin states a policy starts from, at a clean site and with an adsorbate."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ase import Atoms

from atomsieve.analysis.spin import matched
from atomsieve.builders.spin import inherited_starts, multiplicities
from atomsieve.builders.spin_starts import starts
from atomsieve.structures.judgement import Judgement, Verdict
from atomsieve.structures.site import ActiveSite
from atomsieve.structures.spin import SpinStart

if TYPE_CHECKING:
    from atomsieve.workflows.requests import Policy


class Spin(NamedTuple):
    """What a request says of its spin: 2S + 1, and the start moments of the site's metals (Bohr magnetons)."""

    multiplicity: int | None
    moments: tuple[float, ...] | None = None


#: Of a method that knows no spin.
NONE = (Spin(None),)


def clean_spins(policy: Policy, site: ActiveSite) -> tuple[Spin, ...]:
    """Return the spin states in which a clean site is started.

    Parameters
    ----------
    policy : Policy
        ``scan`` takes every state of the metals' d shells, ``fixed`` the first of these, a number so many of the
        lowest multiplicities, or of the states where the method takes start moments.
    site : ActiveSite
        The site.
    """
    if policy.spin == "none":
        return NONE
    if policy.clean in ("scan", "fixed"):
        return _taken(policy, starts(site, 1 if policy.clean == "fixed" else None))
    number = int(policy.clean)
    if policy.spin == "moments":
        return _taken(policy, starts(site, number))
    return tuple(Spin(found) for found in multiplicities(site.atoms, site.charge, number, near=site.multiplicity))


def adsorbed_spins(
    policy: Policy,
    site: ActiveSite,
    atoms: Atoms,
    adsorbate: str,
    on: Sequence[int] | None,
    parent: int | None,
    moments: Sequence[float] | None = None,
) -> tuple[Spin, ...]:
    """Return the spin states in which a site with an adsorbate is started.

    Parameters
    ----------
    policy : Policy
        ``inherit`` takes the clean site's own state and its neighbours, the parity recomputed; ``fixed`` the nearest to
        it alone; ``scan`` every state of the metals' d shells with the adsorbate; a number as for a clean site.
    site : ActiveSite
        The relaxed clean site.
    atoms : ase.Atoms
        The site and the adsorbate.
    adsorbate : str
        Its name.
    on : sequence of int or None
        Indices of the metals that hold it.
    parent : int or None
        2S + 1 of the clean site.
    moments : sequence of float or None
        Final moments of its metals, Bohr magnetons.
    """
    if policy.spin == "none" or parent is None:
        return NONE
    if policy.adsorbed in ("inherit", "fixed"):
        found = inherited_starts(parent, moments, atoms, site.charge)
        return _taken(policy, found[:1] if policy.adsorbed == "fixed" else found)
    if policy.adsorbed == "scan":
        return _taken(policy, starts(site, adsorbate=adsorbate, on=on))
    number = int(policy.adsorbed)
    if policy.spin == "moments":
        return _taken(policy, starts(site, number, adsorbate=adsorbate, on=on))
    return tuple(Spin(found) for found in multiplicities(atoms, site.charge, number, near=site.multiplicity))


def _taken(policy: Policy, found: Iterable[SpinStart]) -> tuple[Spin, ...]:
    """Return what a method takes of spin states, each once."""
    if policy.spin == "moments":
        return tuple(dict.fromkeys(Spin(start.multiplicity, start.moments) for start in found))
    return tuple(dict.fromkeys(Spin(start.multiplicity) for start in found))


def spin_judge(site: ActiveSite, multiplicity: int | None) -> Callable[[Sequence[float]], Judgement | None]:
    """Return what judges the final moments of a clean site by the states that it may be started in.

    Parameters
    ----------
    site : ActiveSite
        The site.
    multiplicity : int or None
        2S + 1 that the calculation was held to.
    """
    stated = starts(site)
    total = float(multiplicity - 1) if multiplicity is not None else None

    def judge(moments: Sequence[float]) -> Judgement | None:
        own = [moments[metal] for metal in site.metals]
        # what the broken bonds of a support without metals make of its unpaired electrons is no other state
        if not own or matched(own, total, stated) is not None:
            return None
        found = ", ".join(f"{s} {m:+.1f}" for s, m in zip(site.metal_symbols, own, strict=True))
        return Judgement(Verdict.OTHER_SPIN, f"moments of the metals {found} μB, 2S+1 = {multiplicity}")

    return judge
