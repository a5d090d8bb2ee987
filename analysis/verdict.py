"""Judgement: what a relaxed geometry turned out to be, from its bonds alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from ase import Atoms

from atomsieve.analysis import holes
from atomsieve.analysis.axial import axial_lost
from atomsieve.analysis.binding import best_fit, binding, held_twice, took_hydrogen
from atomsieve.analysis.geometry import BONDED, BROKEN, SHIFT, Geometry
from atomsieve.analysis.graphs import dissociated, isomerised, roles
from atomsieve.structures.adsorbate import Adsorbate
from atomsieve.structures.errors import InputError
from atomsieve.structures.judgement import Judgement, Verdict
from atomsieve.structures.molecule import Molecule
from atomsieve.structures.site import ActiveSite


def judge_clean(site: ActiveSite, relaxed: Atoms) -> Judgement:
    """Judge a relaxed clean site.

    Parameters
    ----------
    site : ActiveSite
        The site as it was built.
    relaxed : ase.Atoms
        The same atoms in the same order, positions in Å.

    Returns
    -------
    Judgement
        ``intact``, ``metal left its site`` (a second metal: the first), ``support reacted`` (an axial ligand left or
        reacted, a bond of the support broke or formed) or ``not converged`` (positions that are no numbers). Indices in
        the text count from 0. Without its metals a support is intact as well where its broken bonds paired with each
        other, or a hydrogen went to another donor; the reason says so.

    Raises
    ------
    InputError
        If the atoms are not those of the site.
    """
    _require_symbols(relaxed, list(site.atoms.symbols), site.label)
    if not np.isfinite(relaxed.positions).all():
        return _not_finite()
    geometry = Geometry(relaxed)
    measures = _site_measures(site, relaxed, geometry)
    verdict, reason = (
        _metal_left(site, geometry, measures)
        or holes.second_metal_left(site, geometry)
        or axial_lost(site, geometry)
        or _support_changed(site, geometry)
        or (Verdict.INTACT, ", ".join(_kept(site, geometry)) or "all bonds kept")
    )
    return Judgement(verdict, reason, measures)


def judge_adsorbed(
    site: ActiveSite,
    adsorbate: Adsorbate,
    relaxed: Atoms,
    *,
    mode: str | None = None,
    metals: Sequence[int] | None = None,
) -> Judgement:
    """Judge a relaxed site with an adsorbate by comparing its bonds with those that were meant.

    The checks go from the gravest: the metal left; the adsorbate fell apart; the support reacted (it gave a hydrogen, a
    second atom of the adsorbate bonds to it, an axial ligand left, a bond of it broke or formed); the adsorbate
    isomerised (other bonds hold its atoms together, as COOH that became OCHO, or fragments joined, as CO.CO that became
    OCCO); it moved to another site (an atom of the support, or a metal that it was not placed on); it desorbed, is
    weakly bound; it isomerised by its way of binding alone (ON* that turned to NO*, N2-side* that stood up to N2*); it
    is bound. Each fragment must be held. Equal atoms may change parts. The reason names every bond to a metal. An
    adsorbate that kept its bonds but holds the metal with another atom than its first (OOH* through its second O), or
    in another mode than it was placed in, counts as bound, and the reason says so; hydrogen of a larger adsorbate never
    counts as a binding atom. Where the atom that binds touches both metal and support, the relatively shorter bond
    decides.

    Parameters
    ----------
    site : ActiveSite
        The relaxed clean site (or the built one) that the adsorbate was placed on; for a vacancy what is left of it,
        which is bound as long as it stays whole.
    adsorbate : Adsorbate
        What was placed; its first atom is meant to bind.
    relaxed : ase.Atoms
        The site's atoms followed by the adsorbate's, positions in Å.
    mode : str or None
        The binding mode that it was placed in; None for its first.
    metals : sequence of int or None
        Indices of the metals that it was placed on; None for any of the site.

    Returns
    -------
    Judgement
        With every distance that was looked at, Å. Indices in the text count from 0.

    Raises
    ------
    InputError
        If the atoms are not those of the site followed by those of the adsorbate, or it has no such mode.
    """
    asked = adsorbate.modes[0] if mode is None else adsorbate.mode(mode)
    meant = asked.atoms
    expected = [*site.atoms.symbols, *adsorbate.symbols]
    _require_symbols(relaxed, expected, f"{adsorbate.name}* on {site.label}")
    if not np.isfinite(relaxed.positions).all():
        return _not_finite()
    geometry = Geometry(relaxed)
    start = len(site.atoms)
    measures = _site_measures(site, relaxed, geometry)
    for i, j in adsorbate.bonds:
        measures |= geometry.measure(start + i, start + j)
    for metal in site.metals:
        for atom in dict.fromkeys([0, *meant] if adsorbate.symbols else []):
            measures |= geometry.measure(metal, start + atom)
    if not adsorbate.symbols:
        verdict, reason = (
            _metal_left(site, geometry, measures)
            or axial_lost(site, geometry)
            or _support_changed(site, geometry)
            or (Verdict.BOUND, ", ".join([f"{'-'.join(adsorbate.removed)} is missing", *_donor_ranges(site, geometry)]))
        )
        return Judgement(verdict, reason, measures)
    ways = roles(adsorbate, geometry, start)
    atoms = best_fit(site, geometry, ways, meant) if ways else ()
    verdict, reason = (
        _metal_left(site, geometry, measures)
        or (None if ways else dissociated(site, adsorbate, geometry))
        or took_hydrogen(site, geometry)
        or (held_twice(site, adsorbate, geometry, atoms) if ways else None)
        or axial_lost(site, geometry)
        or _support_changed(site, geometry)
        or (None if ways else isomerised(site, adsorbate, geometry))
        or binding(site, adsorbate, geometry, asked.name, atoms=atoms, metals=site.metals if metals is None else metals)
    )
    return Judgement(verdict, reason, measures)


def judge_molecule(molecule: Molecule, relaxed: Atoms) -> Judgement:
    """Judge a relaxed molecule: ``intact`` if it has the bonds that it should have, else ``dissociated``.

    Parameters
    ----------
    molecule : Molecule
        What was asked for; its tabulated geometry tells its bonds.
    relaxed : ase.Atoms
        The same atoms in the same order, positions in Å.

    Raises
    ------
    InputError
        If the atoms are not those of the molecule, or it is one that is never calculated.
    """
    _require_symbols(relaxed, list(molecule.symbols), molecule.name)
    tabulated = Geometry(molecule.atoms)
    if not np.isfinite(relaxed.positions).all():
        return _not_finite()
    geometry = Geometry(relaxed)
    pairs = [(i, j) for i in range(len(relaxed)) for j in range(i)]
    bonds = [(i, j) for i, j in pairs if tabulated.ratios[i, j] <= BONDED]
    measures: dict[str, float] = {}
    for i, j in bonds:
        measures |= geometry.measure(i, j)
    for i, j in pairs:
        if (i, j) in bonds and geometry.ratios[i, j] > BROKEN:
            return Judgement(Verdict.DISSOCIATED, f"{geometry.text(i, j)} in {molecule.name}", measures)
        if (i, j) not in bonds and geometry.ratios[i, j] <= BONDED:
            return Judgement(Verdict.DISSOCIATED, f"{molecule.name} gained a bond {geometry.text(i, j)}", measures)
    alone = "the cell of a metal" if molecule.cell else "a single atom"
    return Judgement(Verdict.INTACT, ", ".join(geometry.text(i, j) for i, j in bonds) or alone, measures)


def _not_finite() -> Judgement:
    return Judgement(Verdict.NOT_CONVERGED, "positions are not finite numbers")


def _require_symbols(relaxed: Atoms, expected: list[str], what: str) -> None:
    found = list(relaxed.symbols)
    if found == expected:
        return
    at = next((i for i, (a, b) in enumerate(zip(found, expected, strict=False)) if a != b), None)
    where = f"atom {at} is {found[at]}, not {expected[at]}" if at is not None else "one of them is cut short"
    raise InputError(
        f"{what}: a geometry of {len(found)} atoms cannot be judged against one of {len(expected)} ({where}); "
        "hand over the atoms of the site, then those of the adsorbate, in their order"
    )


def _site_measures(site: ActiveSite, relaxed: Atoms, geometry: Geometry) -> dict[str, float]:
    rotation = _rotation(site, relaxed)
    before = Geometry(site.atoms)
    measures: dict[str, float] = {}
    for metal, donors in zip(site.metals, site.donors, strict=True):
        if not donors:
            continue
        for donor in donors:
            measures |= geometry.measure(metal, donor)
        now, then = (g.vectors[metal, list(donors)].mean(axis=0) for g in (geometry, before))
        measures[_shift_name(geometry, metal)] = round(float(np.linalg.norm(now @ rotation - then)), 4)
    for metal, heads in zip(site.metals, site.axial, strict=False):
        for head in heads:
            measures |= geometry.measure(metal, head)
    for first, second in holes.stacked(site):
        measures |= geometry.measure(first, second)
    return measures


def _shift_name(geometry: Geometry, metal: int) -> str:
    return f"shift of {geometry.name(metal)}"


def _rotation(site: ActiveSite, relaxed: Atoms) -> np.ndarray:
    """Return the rotation that turns a cluster's support onto the reference (Kabsch, doi 10.1107/S0567739476001873)."""
    support = [i for i in range(len(site.atoms)) if i not in site.metals]
    if np.any(relaxed.pbc) or len(support) < 3:
        return np.eye(3)
    now, then = relaxed.positions[support], site.atoms.positions[support]
    u, _, vt = np.linalg.svd((now - now.mean(axis=0)).T @ (then - then.mean(axis=0)))
    proper = np.diag([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    rotation: np.ndarray = u @ proper @ vt
    return rotation


def _kept(site: ActiveSite, geometry: Geometry) -> list[str]:
    """Say what there is to say of a clean site that is intact."""
    return [*_donor_ranges(site, geometry), *holes.leaning(site, geometry), *holes.fate(site, geometry)]


def _donor_ranges(site: ActiveSite, geometry: Geometry) -> Iterator[str]:
    """Write the range of bond lengths of each metal to each element of its donors."""
    for metal, donors in zip(site.metals, site.donors, strict=True):
        for element in dict.fromkeys(geometry.symbols[donor] for donor in donors):
            lengths = [geometry.distances[metal, donor] for donor in donors if geometry.symbols[donor] == element]
            ends = dict.fromkeys([f"{min(lengths):.2f}", f"{max(lengths):.2f}"])
            yield f"{geometry.symbols[metal]}-{element} {' to '.join(ends)} Å"


def _metal_left(site: ActiveSite, geometry: Geometry, measures: dict[str, float]) -> tuple[Verdict, str] | None:
    for metal, donors in zip(site.metals, site.donors, strict=True):
        if not donors:
            continue
        lost = [donor for donor in donors if geometry.ratios[metal, donor] > BROKEN]
        if 2 * len(lost) >= len(donors):
            farthest = max(lost, key=lambda donor: float(geometry.ratios[metal, donor]))
            name, bond = geometry.name(metal), geometry.text(metal, farthest)
            return Verdict.METAL_LEFT, f"{name} lost {len(lost)} of {len(donors)} donors ({bond})"
        shift = measures[_shift_name(geometry, metal)]
        if shift > SHIFT:
            return Verdict.METAL_LEFT, f"{geometry.name(metal)} moved {shift:.2f} Å against its donors"
    return None


def _support_changed(site: ActiveSite, geometry: Geometry) -> tuple[Verdict, str] | None:
    """Find a bond of the support that broke, or one between heavy atoms that formed; metals and ligands apart."""
    for i, j in site.bonds:
        if i in site.metals or j in site.metals:
            continue
        if geometry.ratios[i, j] > BROKEN and not holes.has_moved(site, geometry, i, j):
            names = f"{geometry.name(i)}-{geometry.name(j)}"
            return Verdict.SUPPORT_REACTED, f"the support broke at {names} ({geometry.distances[i, j]:.2f} Å)"
    before, known = Geometry(site.atoms), set(site.bonds)
    heavy = [i for i in range(len(site.atoms)) if i not in site.metals and geometry.symbols[i] != "H"]
    near = np.argwhere(np.triu(geometry.ratios[np.ix_(heavy, heavy)] <= BONDED, k=1))
    for i, j in ((heavy[first], heavy[second]) for first, second in near):
        if (i, j) not in known and before.ratios[i, j] > BROKEN and not holes.closes(site, i, j):
            names = f"{geometry.name(i)}-{geometry.name(j)}"
            return Verdict.SUPPORT_REACTED, f"the support closed at {names} ({geometry.distances[i, j]:.2f} Å)"
    return None
