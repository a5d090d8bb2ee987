"""Adsorbate: what lands on a site, and how it can bind there."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final

import yaml

from atomsieve.structures.errors import InputError, unknown
from atomsieve.structures.identity import content_key

#: Binding modes, and how many atoms bind to how many metals: one atom to one; two atoms that are bonded to each other
#: to one (η2), or two that are not; one atom to two metals (μ); two atoms each to a metal of its own (μ, κ2). Beside a
#: metal: one atom on an oxygen that holds it, or none where such an oxygen is missing.
MODES: Final[Mapping[str, tuple[int, int]]] = MappingProxyType(
    {
        "end-on": (1, 1),
        "side-on": (2, 1),
        "chelate": (2, 1),
        "bridge": (1, 2),
        "bidentate": (2, 2),
        "lattice": (1, 1),
        "vacancy": (0, 1),
    }
)
#: The mode that is meant where none is said, through the first atom.
END_ON: Final = "end-on"
#: The modes of what happens to an oxygen that holds a metal: it takes up hydrogen, or is missing.
LATTICE, VACANCY = "lattice", "vacancy"
OF_LATTICE: Final = (LATTICE, VACANCY)
_TABLES: Final = ("adsorbates.yaml", "adsorbates_carbon.yaml", "adsorbates_nitrogen.yaml", "adsorbates_ligands.yaml")
#: Stands for the metal among the four atoms of a torsion.
METAL: Final = -1
#: Those that campaigns define beside the tables, by name.
_OWN: dict[str, Adsorbate] = {}


@dataclass(frozen=True)
class Mode:
    """A way to bind.

    Parameters
    ----------
    name : str
        One of :data:`MODES`.
    atoms : tuple of int
        The atoms that bind; of two on two metals the first is on the placement's first metal.
    torsions : tuple of float
        What the adsorbate's torsions are in this mode, degrees; empty for those of the table.
    """

    name: str
    atoms: tuple[int, ...]
    torsions: tuple[float, ...] = ()

    @property
    def metals(self) -> int:
        """Number of metals that it takes."""
        return MODES[self.name][1]


@dataclass(frozen=True)
class Torsion:
    """A bond of an adsorbate about which it is turned.

    Parameters
    ----------
    atoms : tuple of int
        The dihedral i-j-k-l about the bond j-k; :data:`METAL` as the first stands for the metal below.
    degrees : tuple of float
        The angles that are tried; that of the tabulated geometry comes first.
    """

    atoms: tuple[int, int, int, int]
    degrees: tuple[float, ...]


@dataclass(frozen=True)
class Adsorbate:
    """A species bound to a site.

    Parameters
    ----------
    name : str
        Tells isomers apart (``COH`` and ``CHO``); written with a star when bound: ``OOH*``. A dot stands between two
        fragments that share no bond: ``CO.CHO*``.
    symbols : tuple of str
        Chemical symbols; the atom that binds comes first.
    positions : tuple of (x, y, z)
        Å, the binding atom at the origin, the surface below it (towards -z).
    bonds : tuple of pair of int
        Bonds within the adsorbate.
    source : str
        Where the geometry comes from.
    modes : tuple of Mode
        How it can bind; end-on comes first, where it is among them.
    torsions : tuple of Torsion
        The bonds about which it turns.
    removed : tuple of str
        Chemical symbols of the site's own atoms that are missing instead.
    takes : int or None
        Electrons that it formally takes from its metals; None where the table of spin states says so.
    """

    name: str
    symbols: tuple[str, ...]
    positions: tuple[tuple[float, float, float], ...]
    bonds: tuple[tuple[int, int], ...]
    source: str
    modes: tuple[Mode, ...] = (Mode(END_ON, (0,)),)
    torsions: tuple[Torsion, ...] = ()
    removed: tuple[str, ...] = ()
    takes: int | None = None

    @property
    def composition(self) -> dict[str, int]:
        """Number of atoms by element; negative where the site has lost some."""
        return count(self.symbols) | {symbol: -number for symbol, number in count(self.removed).items()}

    @property
    def fragments(self) -> tuple[tuple[int, ...], ...]:
        """Its atoms, those that bonds hold together in one group each."""
        groups: list[set[int]] = [{atom} for atom in range(len(self.symbols))]
        for i, j in self.bonds:
            one, other = (next(group for group in groups if atom in group) for atom in (i, j))
            if one is not other:
                groups.remove(other)
                one |= other
        return tuple(tuple(sorted(group)) for group in groups)

    def mode(self, name: str) -> Mode:
        """Return one of its binding modes.

        Raises
        ------
        InputError
            If it does not bind in this way.
        """
        for mode in self.modes:
            if mode.name == name:
                return mode
        raise InputError(unknown(name, [mode.name for mode in self.modes], f"binding mode of {self.name}"))

    @property
    def definition(self) -> dict[str, Any]:
        """All that changes what comes of it, as plain data, with a ``key``; its name and its source do not."""
        content: dict[str, Any] = {
            "symbols": list(self.symbols),
            "positions": [list(point) for point in self.positions],
            "bonds": [list(bond) for bond in self.bonds],
            "modes": {mode.name: {"atoms": list(mode.atoms), "torsions": list(mode.torsions)} for mode in self.modes},
            "torsions": [
                {"atoms": ["metal" if atom == METAL else atom for atom in turn.atoms], "degrees": list(turn.degrees)}
                for turn in self.torsions
            ],
            "takes": self.takes,
        }
        return {"key": content_key("adsorbate", content)[:16], **content}

    @classmethod
    def from_dict(cls, name: str, entry: Mapping[str, Any]) -> Adsorbate:
        """Make an adsorbate from an entry of a table, or from what :attr:`definition` returned."""
        return cls(
            name=name,
            symbols=tuple(entry["symbols"]),
            positions=_points(entry["positions"]),
            bonds=tuple((int(i), int(j)) for i, j in entry["bonds"]),
            source=entry.get("source", ""),
            modes=tuple(_mode(mode, given) for mode, given in entry["modes"].items()),
            torsions=tuple(_torsion(torsion) for torsion in entry.get("torsions", [])),
            removed=tuple(entry.get("removed", [])),
            takes=entry.get("takes"),
        )


def count(symbols: tuple[str, ...]) -> dict[str, int]:
    """Count atoms by element, in alphabetical order."""
    return {symbol: symbols.count(symbol) for symbol in sorted(set(symbols))}


def load_yaml(name: str) -> dict[str, Any]:
    """Read one of the data files that lie beside this module."""
    text = (files("atomsieve.structures") / name).read_text(encoding="utf-8")
    # the parser in C takes a tenth of the time, where PyYAML was built with it
    data = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    assert isinstance(data, dict)
    return data


def _points(rows: list[list[float]]) -> tuple[tuple[float, float, float], ...]:
    return tuple((float(x), float(y), float(z)) for x, y, z in rows)


def _torsion(entry: Mapping[str, Any]) -> Torsion:
    i, j, k, m = (METAL if atom == "metal" else int(atom) for atom in entry["atoms"])
    return Torsion((i, j, k, m), tuple(float(angle) for angle in entry["degrees"]))


def _mode(name: str, entry: Any) -> Mode:
    if isinstance(entry, Mapping):
        return Mode(name, tuple(entry["atoms"]), tuple(float(angle) for angle in entry["torsions"]))
    return Mode(name, tuple(entry))


@cache
def tabulated_adsorbates() -> Mapping[str, Adsorbate]:
    """Return the adsorbates of the tables by name."""
    entries = [item for name in _TABLES for item in load_yaml(name).items()]
    return MappingProxyType({name: Adsorbate.from_dict(name, entry) for name, entry in entries})


@cache
def adsorbates() -> Mapping[str, Adsorbate]:
    """Return all adsorbates by name: those of the tables, then what campaigns have defined, as they do."""
    return MappingProxyType(ChainMap(_OWN, dict(tabulated_adsorbates())))


def define_adsorbate(own: Adsorbate) -> None:
    """Let this process know an adsorbate that no table has; a later one takes the place of an earlier one.

    Names are looked up by all rooms. What is calculated is keyed by the whole definition, never by the name alone.
    """
    _OWN[own.name] = own


def adsorbate(name: str) -> Adsorbate:
    """Return one adsorbate.

    Parameters
    ----------
    name : str
        Its name, without a star: ``OOH``.

    Raises
    ------
    InputError
        If no adsorbate has this name.
    """
    if name not in adsorbates():
        raise InputError(unknown(name, adsorbates(), "adsorbate"))
    return adsorbates()[name]
