"""Geometric descriptors: bonds, planes, polyhedra and shells around each metal of a site."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from ase.geometry import find_mic
from numpy.typing import NDArray

from atomsieve.analysis.descriptors.table import Row, over_metals
from atomsieve.analysis.geometry import BONDED, BROKEN, Geometry
from atomsieve.structures.site import ActiveSite

Vectors = NDArray[np.float64]

#: The donors of a shell are written in this order, others after them by the alphabet: N3C1.
ORDER: Final = ("N", "C", "O", "S", "P", "B")
#: Share of the second half-axis of the donors up to which the third is that of a plane; of a tetrahedron all are equal.
FLAT: Final = 0.5
#: Å below which a half-axis is no axis: donors in a line have no plane.
LINE: Final = 0.1
#: Neighbours up to which the symmetry measures are searched; more take seconds.
MOST: Final = 8
#: Polyhedra have their centre at the metal.
CENTRE: Final = MappingProxyType({"centering_type": "central_site", "include_central_site_in_centroid": False})


def geometric(site: ActiveSite) -> Row:
    """Return the geometric descriptors of a relaxed site.

    Parameters
    ----------
    site : ActiveSite
        With relaxed positions, Å; periodic directions count.

    Returns
    -------
    dict
        By column; None where one has no meaning at the site.
    """
    geometry = Geometry(site.atoms)
    row = over_metals([_of_metal(site, geometry, number) for number in range(len(site.metals))])
    pairs = [geometry.distances[i, j] for i in site.metals for j in site.metals if i < j]
    return {**row, "metal_distance": float(min(pairs)) if pairs else None}


def shells(site: ActiveSite) -> Row:
    """Return the composition of the shells around each metal, which the bonds of a site tell without its positions."""
    return over_metals(
        [
            {"coordination": coordination(site, n), "second_shell": second_shell(site, n)}
            for n in range(len(site.metals))
        ]
    )


def coordination(site: ActiveSite, number: int) -> str:
    """Return the shell of a metal: its donors by element, and its own ligands: ``N3C1``, ``N4+O1``."""
    held, own = _composition(site, site.donors[number]), _composition(site, ligands(site, number))
    return f"{held}+{own}" if own else held


def second_shell(site: ActiveSite, number: int) -> str:
    """Return what is bonded to the donors of a metal and is neither a metal of the site nor one of them: ``C8``."""
    first = set(site.donors[number])
    beyond = {other for i, j in site.bonds for one, other in ((i, j), (j, i)) if one in first}
    return _composition(site, beyond - first - set(site.metals))


def ligands(site: ActiveSite, number: int) -> tuple[int, ...]:
    """Return the binding atoms of a metal's own ligands."""
    return site.axial[number] if site.axial else ()


def _composition(site: ActiveSite, atoms: Iterable[int]) -> str:
    counts = Counter(str(site.atoms.symbols[atom]) for atom in atoms)
    order = sorted(counts, key=lambda symbol: (ORDER.index(symbol) if symbol in ORDER else len(ORDER), symbol))
    return "".join(f"{symbol}{counts[symbol]}" for symbol in order)


def _of_metal(site: ActiveSite, geometry: Geometry, number: int) -> dict[str, Any]:
    metal, donors, own = site.metals[number], site.donors[number], ligands(site, number)
    shell = (*donors, *own)
    vectors = _vectors(site, metal, shell)
    lengths = np.linalg.norm(vectors, axis=1)
    held = lengths[: len(donors)]
    row: dict[str, Any] = _lengths("bond", held)
    for element in dict.fromkeys(geometry.symbols[donor] for donor in donors):
        row |= _lengths(f"bond_{element}", held[[geometry.symbols[donor] == element for donor in donors]])
    if own:
        row["bond_axial"] = float(lengths[len(donors) :].mean())
    height, rms = plane(vectors[: len(donors)])
    name, measure = polyhedron(vectors)
    return {
        **row,
        "metal_height": height,
        "plane_rms": rms,
        "coordination": coordination(site, number),
        "second_shell": second_shell(site, number),
        "coordination_number": _neighbours(site, geometry, metal, shell),
        "coordination_geometry": name,
        "symmetry_measure": measure,
        "tau4": tau4(vectors),
        "tau5": tau5(vectors),
        "bond_valence_sum": bond_valence_sum(geometry.symbols[metal], [geometry.symbols[i] for i in shell], lengths),
    }


def _vectors(site: ActiveSite, metal: int, atoms: Sequence[int]) -> Vectors:
    positions = site.atoms.positions
    apart = positions[list(atoms)] - positions[metal]
    found: Vectors = find_mic(apart, site.atoms.cell, site.atoms.pbc)[0] if len(apart) else apart
    return found


def _lengths(name: str, lengths: Vectors) -> dict[str, float | None]:
    known = len(lengths) > 0
    return {
        f"{name}_mean": float(lengths.mean()) if known else None,
        f"{name}_min": float(lengths.min()) if known else None,
        f"{name}_max": float(lengths.max()) if known else None,
    }


def _neighbours(site: ActiveSite, geometry: Geometry, metal: int, shell: Sequence[int]) -> int:
    """Count what is bonded: of the shell all that is not broken off, and what else is as near as the farthest of it."""
    ratios = geometry.ratios[metal]
    farthest = min(max((float(ratios[atom]) for atom in shell), default=BONDED), BONDED)
    others = (i for i, symbol in enumerate(geometry.symbols) if symbol != "H" and i not in (*site.metals, *shell))
    return sum(bool(ratios[i] <= BROKEN) for i in shell) + sum(bool(ratios[i] <= farthest) for i in others)


def plane(vectors: Vectors) -> tuple[float | None, float | None]:
    """Return how far the origin is from the mean plane of some points, and how far they are from it on average.

    Parameters
    ----------
    vectors : ndarray of float, shape (n, 3)
        From the metal to its donors, Å.

    Returns
    -------
    tuple of (float or None)
        Height and root mean square distance, Å, both at least 0; None where the points have no plane: fewer than
        three, in a line, or the third half-axis of their spread more than :data:`FLAT` of the second.
    """
    if len(vectors) < 3:
        return None, None
    centre = vectors.mean(axis=0)
    _, spread, axes = np.linalg.svd(vectors - centre)
    if spread[1] < LINE or spread[2] > FLAT * spread[1]:
        return None, None
    return abs(float(centre @ axes[2])), float(spread[2]) / math.sqrt(len(vectors))


def _angles(vectors: Vectors) -> list[float]:
    """Return the angles of all pairs, degrees, the largest first."""
    units = vectors / np.linalg.norm(vectors, axis=1)[:, None]
    upper = np.triu_indices(len(units), 1)
    return sorted(np.degrees(np.arccos(np.clip((units @ units.T)[upper], -1.0, 1.0))).tolist(), reverse=True)


def tau4(vectors: Vectors) -> float | None:
    """Return (360° - α - β) / 141° of four neighbours, doi 10.1039/b617136b; None of another number."""
    if len(vectors) != 4:
        return None
    first, second = _angles(vectors)[:2]
    return (360.0 - first - second) / 141.0


def tau5(vectors: Vectors) -> float | None:
    """Return (β - α) / 60° of five neighbours, doi 10.1039/DT9840001349; None of another number."""
    if len(vectors) != 5:
        return None
    first, second = _angles(vectors)[:2]
    return (first - second) / 60.0


def polyhedron(vectors: Vectors) -> tuple[str | None, float | None]:
    """Return the polyhedron that a shell is nearest to, and its continuous symmetry measure against it.

    Parameters
    ----------
    vectors : ndarray of float, shape (n, 3)
        From the metal to its neighbours.

    Returns
    -------
    tuple
        The name in ChemEnv (doi 10.1107/S2052520620007994) and the measure, 0 to 100 with the metal at the centre; None
        of fewer than two neighbours or more than :data:`MOST`.
    """
    if not 2 <= len(vectors) <= MOST:
        return None, None
    from pymatgen.analysis.chemenv.coordination_environments.coordination_geometry_finder import AbstractGeometry

    finder = _finder()
    finder.local_geometry = AbstractGeometry(  # type: ignore[no-untyped-call]
        central_site=np.zeros(3), bare_coords=vectors, **CENTRE
    )
    measures = finder.get_coordination_symmetry_measures(only_minimum=True, all_csms=False)
    name = min(measures, key=lambda name: float(measures[name]["csm"]))
    return str(name), max(float(measures[name]["csm"]), 0.0)


@cache
def _finder() -> Any:
    from pymatgen.analysis.chemenv.coordination_environments.coordination_geometry_finder import LocalGeometryFinder

    finder = LocalGeometryFinder()
    finder.setup_parameters(**CENTRE)  # type: ignore[no-untyped-call]
    return finder


def bond_valence_sum(metal: str, neighbours: Sequence[str], lengths: Iterable[float]) -> float | None:
    """Return the sum of the bond valences of a metal, doi 10.1021/ja00009a002.

    Parameters
    ----------
    metal : str
        Chemical symbol.
    neighbours : sequence of str
        Chemical symbols.
    lengths : iterable of float
        Of the bonds to them, Å.

    Returns
    -------
    float or None
        None where an element has no parameters (Tc, Os, Pt, Au).
    """
    from pymatgen.core.bond_valence import BV_PARAMS, calculate_bv_sum
    from pymatgen.core.composition import Composition
    from pymatgen.core.periodic_table import Element
    from pymatgen.core.sites import Site
    from pymatgen.core.structure import Neighbor

    if not neighbours or any(Element(symbol) not in BV_PARAMS for symbol in (metal, *neighbours)):
        return None
    bonds = [
        Neighbor(Composition(symbol), np.array([0.0, 0.0, length]), nn_distance=float(length))
        for symbol, length in zip(neighbours, lengths, strict=True)
    ]
    return float(calculate_bv_sum(Site(metal, np.zeros(3)), bonds))  # type: ignore[no-untyped-call]
