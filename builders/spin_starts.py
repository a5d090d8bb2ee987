"""SpinStart by SpinStart: the states of a site that a scan starts from, most likely first."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from ase import Atoms

from atomsieve.builders.spin import electrons, multiplicities
from atomsieve.builders.spin_centres import Centre, centres, spectators
from atomsieve.structures.adsorbate import adsorbate as named
from atomsieve.structures.errors import InputError
from atomsieve.structures.site import ActiveSite
from atomsieve.structures.spin import SpinStart

# Of a support without its metals so many are tried, from the lowest: its broken bonds may pair or not.
_OF_SUPPORTS = 2


def starts(
    site: ActiveSite,
    number: int | None = None,
    *,
    stated: int | None = None,
    adsorbate: str | None = None,
    on: Sequence[int] | None = None,
) -> tuple[SpinStart, ...]:
    """Return spin states of a site to start from, most likely first.

    Each metal takes every number of unpaired electrons that its d shell allows, and the metals couple parallel or
    antiparallel (broken symmetry: Ms is the difference). What the site or the caller states comes first, then the
    expected state of every metal, all high, all low, and mixtures; three metals and more are never mixed.

    Where these numbers have not the parity of all electrons of the site, as with an odd number of pyridinic nitrogens
    or an odd adsorbate on a metal that gives no more electrons, one electron more is unpaired outside the metals:
    parallel to them (Ms + 1/2), and for the fewest unpaired electrons antiparallel too (Ms - 1/2). These are the
    multiplicities next to that of the metals alone. A support without its metals starts from the lowest multiplicities
    that its electrons allow.

    Parameters
    ----------
    site : ActiveSite
        The clean site.
    number : int or None
        At most so many; None for all.
    stated : int or None
        A multiplicity (2S + 1) to begin with; None for that of the site, which counts only while it is clean.
    adsorbate : str or None
        Name of what is bound, whose electrons count and which oxidises the metal.
    on : sequence of int or None
        Indices of the metals that hold it; None for the first.

    Returns
    -------
    tuple of SpinStart
        At least one; no two alike.

    Raises
    ------
    InputError
        If none are asked for, the electrons cannot have the stated multiplicity, or the adsorbate is unknown.
    """
    if number is not None and number < 1:
        raise InputError(f"{number} spin starts were asked for; ask for at least 1")
    if not site.metals:
        allowed = multiplicities(site.atoms, site.charge, _OF_SUPPORTS if number is None else number)
        return tuple(SpinStart(f"{multiplicity - 1} unpaired", multiplicity, ()) for multiplicity in allowed)
    metals, rest = centres(site, adsorbate, on), sum(spectators(site).values())
    atoms = site.atoms if adsorbate is None else site.atoms + Atoms(named(adsorbate).symbols)
    total = electrons(atoms, site.charge)
    found: list[SpinStart] = []
    opposed: list[SpinStart] = []
    for name, moments in _combinations(site, metals, rest):
        whole = abs(sum(moments) + rest)
        # those of the support point the same way as most
        up = tuple(float(-moment if sum(moments) + rest < 0 else moment) for moment in moments)
        if (whole - total) % 2 == 0:
            found.append(SpinStart(name, whole + 1, up))
        else:
            how = " parallel" if whole else ""
            found.append(SpinStart(f"{name}, odd electron{how}", whole + 2, up))
            opposed.append(SpinStart(f"{name}, odd electron antiparallel", whole, up))
    found = [start for start in found if start.multiplicity <= total + 1]
    fewest = min(start.multiplicity for start in found)
    below = [start for start in opposed if 0 < start.multiplicity < fewest]
    found[1:1] = below[:1]
    if stated is None and adsorbate is None:
        stated = site.multiplicity
    if stated is not None:
        found = _stated_first(found, stated, atoms, site.charge)
    return tuple(found[:number])


def _stated_first(found: list[SpinStart], stated: int, atoms: Atoms, charge: int) -> list[SpinStart]:
    """Put the starts of a stated multiplicity first, the least polarised before the others, or make one."""
    if stated not in multiplicities(atoms, charge, 1, near=stated):
        raise InputError(
            f"{electrons(atoms, charge)} electrons cannot have the multiplicity {stated}; "
            f"nearest: {', '.join(map(str, multiplicities(atoms, charge, 2, near=stated)))}"
        )
    first = sorted(
        (start for start in found if start.multiplicity == stated), key=lambda start: sum(map(abs, start.moments or ()))
    )
    if not first:
        nearest = min(found, key=lambda start: abs(start.multiplicity - stated))
        # what the metals do not make up is for the other atoms to carry
        first = [SpinStart("stated", stated, nearest.moments)]
    return first + [start for start in found if start.multiplicity != stated]


def _combinations(site: ActiveSite, metals: tuple[Centre, ...], rest: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield a name and the moments of the metals for each way to fill and couple them, most likely first."""
    ranks: list[tuple[int, ...]] = [(0,) * len(metals)]
    if len(metals) <= 2:
        every = itertools.product(*(range(len(metal.likely)) for metal in metals))
        ranks = sorted(every, key=lambda rank: (sum(rank), max(rank), rank))
    ways = [tuple(metal.likely[k] for metal, k in zip(metals, rank, strict=True)) for rank in ranks]
    if len(metals) > 1:
        alike = [(metal.options[-1], metal.options[0], metal.options[len(metal.options) // 2]) for metal in metals]
        ways[1:1] = list(zip(*alike, strict=True))
    donors = [sorted(site.atoms.symbols[list(held)]) for held in site.donors]
    kinds = list(zip(site.metal_symbols, donors, strict=True))
    seen = []
    for filled in ways:
        # of two metals that are alike it does not matter which one takes which state
        equal = sorted(zip(kinds, filled, strict=True))
        if equal in seen:
            continue
        seen.append(equal)
        name = "-".join(metal.named(number) for metal, number in zip(metals, filled, strict=True))
        for signs in _couplings(filled, rest):
            how = "" if min(signs) > 0 else ", broken symmetry"
            if how and len(signs) > 2:
                how += f" ({''.join('+' if sign > 0 else '-' for sign in signs)})"
            yield name + how, tuple(sign * number for sign, number in zip(signs, filled, strict=True))


def _couplings(filled: tuple[int, ...], rest: int) -> list[tuple[int, ...]]:
    """Return the directions of the moments that differ: all parallel first, then the fewest turned round.

    More than three metals are coupled parallel or in turns, for their number of ways would be large.
    """
    if len(filled) > 3:
        turns = tuple(1 - 2 * (place % 2) for place in range(len(filled)))
        ways = [(1,) * len(filled), turns]
    else:
        ways = sorted(itertools.product((1, -1), repeat=len(filled)), key=lambda signs: (signs.count(-1), -signs[0]))
    found: dict[tuple[int, ...], tuple[int, ...]] = {}
    for signs in ways:
        moments = tuple(sign * number for sign, number in zip(signs, filled, strict=True))
        turned = tuple(-moment for moment in moments)
        if moments not in found and (rest or turned not in found):
            found[moments] = signs
    return list(found.values())
