"""ActiveSite: one or more metal atoms held by a support, as a builder made it or as a calculation left it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from ase import Atoms

from atomsieve.structures.energies import SiteLabel
from atomsieve.structures.identity import content_key

SiteKind = Literal["sheet", "ribbon", "layer", "cluster", "bulk"]


@dataclass(frozen=True, eq=False)
class ActiveSite:
    """Metal atoms in their support.

    Parameters
    ----------
    label : str
        What a chemist calls it, as ``Co-N4@graphene-4x4``. For people only; nothing is found by taking it apart.
    recipe : mapping
        All that fixes the site: family, schema of the recipe and every parameter with its default written out.
    atoms : ase.Atoms
        Positions in Å; never changed in place.
    kind : {"sheet", "ribbon", "layer", "cluster", "bulk"}
        A sheet periodic in the xy plane, a ribbon in that plane periodic along x, a layer of a framework periodic in
        the xy plane, a molecule, or a crystal.
    metals : tuple of int
        Indices of the metal atoms.
    donors : tuple of tuple of int
        For each metal the atoms of the support that hold it.
    bonds : tuple of pair of int
        All bonds, the metal's included; the first index is the smaller.
    charge : int
        Total charge, e.
    normal : tuple of float
        Unit vector across the plane of the donors.
    provenance : mapping
        Sources (DOI) and remarks.
    axial : tuple of tuple of int
        For each metal the binding atoms of its own ligands, which are no part of the support; empty if there are none.
    frozen : tuple of int
        Atoms that are held where they are in every relaxation, as the caps of a cluster that was cut out.
    ledger : mapping of str to int
        Formal charges that add up to the charge, part by part, as ``{"6 Zr4+": 24, "4 O2-": -8}``; empty where the
        builder makes no statement.
    multiplicity : int or None
        2S + 1 that the oxidation states suggest; None to start from the lowest that the electrons allow.
    hole : tuple of tuple of int
        Of a support without its metals, for each of these the atoms that held it; empty for all else.
    """

    label: str
    recipe: Mapping[str, Any]
    atoms: Atoms
    kind: SiteKind
    metals: tuple[int, ...]
    donors: tuple[tuple[int, ...], ...]
    bonds: tuple[tuple[int, int], ...]
    charge: int = 0
    normal: tuple[float, float, float] = (0.0, 0.0, 1.0)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    axial: tuple[tuple[int, ...], ...] = ()
    frozen: tuple[int, ...] = ()
    ledger: Mapping[str, int] = field(default_factory=dict)
    multiplicity: int | None = None
    hole: tuple[tuple[int, ...], ...] = ()

    @property
    def key(self) -> str:
        """The content key of the recipe."""
        return content_key("site", self.recipe)

    @property
    def family(self) -> str:
        """The family of supports that the builder belongs to."""
        return str(self.recipe["family"])

    @property
    def metal_symbols(self) -> tuple[str, ...]:
        """Chemical symbols of the metals."""
        return tuple(self.atoms.symbols[i] for i in self.metals)

    def with_positions(self, positions: Any) -> ActiveSite:
        """Return the same site with other positions, as a relaxation leaves it.

        Parameters
        ----------
        positions : array_like of float, shape (n, 3)
            Å, in the order of the site's atoms.
        """
        atoms = self.atoms.copy()
        atoms.set_positions(np.asarray(positions, dtype=float), apply_constraint=False)
        return replace(self, atoms=atoms)

    def without(self, atom: int) -> ActiveSite:
        """Return what is left of the site without one atom of its support, whose bonds go with it.

        Parameters
        ----------
        atom : int
            Its index; those of the atoms behind it become one less.
        """

        def kept(indices: Iterable[int]) -> tuple[int, ...]:
            return tuple(i - (i > atom) for i in indices if i != atom)

        atoms = self.atoms.copy()
        del atoms[atom]
        return replace(
            self,
            atoms=atoms,
            metals=kept(self.metals),
            donors=tuple(kept(group) for group in self.donors),
            bonds=tuple((i - (i > atom), j - (j > atom)) for i, j in self.bonds if atom not in (i, j)),
            axial=tuple(kept(group) for group in self.axial),
            frozen=kept(self.frozen),
            hole=tuple(kept(group) for group in self.hole),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain data from which :meth:`from_dict` makes the same site."""
        return {
            "label": self.label,
            "recipe": dict(self.recipe),
            "atoms": atoms_to_dict(self.atoms),
            "kind": self.kind,
            "metals": list(self.metals),
            "donors": [list(group) for group in self.donors],
            "bonds": [list(bond) for bond in self.bonds],
            "charge": self.charge,
            "normal": list(self.normal),
            "provenance": dict(self.provenance),
            "axial": [list(group) for group in self.axial],
            "frozen": list(self.frozen),
            "ledger": dict(self.ledger),
            "multiplicity": self.multiplicity,
            **({"hole": [list(group) for group in self.hole]} if self.hole else {}),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ActiveSite:
        """Make a site from what :meth:`to_dict` returned."""
        x, y, z = (float(component) for component in data["normal"])
        return cls(
            label=data["label"],
            recipe=data["recipe"],
            atoms=atoms_from_dict(data["atoms"]),
            kind=data["kind"],
            metals=tuple(data["metals"]),
            donors=tuple(tuple(group) for group in data["donors"]),
            bonds=tuple((int(i), int(j)) for i, j in data["bonds"]),
            charge=int(data["charge"]),
            normal=(x, y, z),
            provenance=data["provenance"],
            axial=tuple(tuple(group) for group in data.get("axial", ())),
            frozen=tuple(data.get("frozen", ())),
            ledger=data.get("ledger", {}),
            multiplicity=data.get("multiplicity"),
            hole=tuple(tuple(group) for group in data.get("hole", ())),
        )


def site_label(site: ActiveSite) -> SiteLabel:
    """Return what rows say of a site."""
    return SiteLabel(site.label, site.key, site.family, site.metal_symbols)


def atoms_to_dict(atoms: Atoms) -> dict[str, Any]:
    """Return numbers, positions (Å), cell (Å) and periodic directions as plain lists."""
    return {
        "numbers": [int(number) for number in atoms.numbers],
        "positions": atoms.positions.tolist(),
        "cell": atoms.cell.array.tolist(),
        "pbc": [bool(periodic) for periodic in atoms.pbc],
    }


def atoms_from_dict(data: Mapping[str, Any]) -> Atoms:
    """Make atoms from what :func:`atoms_to_dict` returned."""
    return Atoms(numbers=data["numbers"], positions=data["positions"], cell=data["cell"], pbc=data["pbc"])
