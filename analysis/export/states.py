"""State: the calculation behind a row, with its relaxed geometry, read from the database some hundred at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from atomsieve.analysis.chunks import chunks
from atomsieve.structures.method import Method
from atomsieve.structures.site import atoms_from_dict

if TYPE_CHECKING:
    from ase import Atoms

    from atomsieve.analysis import Results
    from atomsieve.analysis.database import Database

Document = Mapping[str, Any]
#: Rows in memory at a time: a geometry is some kilobytes.
AT_ONCE: Final = 100
#: The calculation whose geometry a row of a collection shows, by its role.
_ROLES: Final[Mapping[str, str]] = {"adsorption_energies": "adsorbed", "stabilities": "clean"}


@dataclass(frozen=True)
class State:
    """A row and the calculation of its geometry.

    Parameters
    ----------
    row : mapping
        The row's document.
    calculation : mapping
        That of the relaxed clean site, or of the bound state of an adsorption energy.
    """

    row: Document
    calculation: Document

    @property
    def label(self) -> str:
        """What the structure is called: the site's label, behind it what is bound."""
        adsorbate = self.row.get("adsorbate")
        return f"{self.row['site']['label']} {adsorbate}*" if adsorbate else str(self.row["site"]["label"])

    @property
    def method(self) -> Method:
        """The method of the geometry and its energy."""
        return Method.from_dict(self.calculation["request"]["method"])

    @property
    def atoms(self) -> Atoms:
        """The relaxed atoms with what was calculated for them, see :func:`calculated`."""
        return calculated(self.calculation)


@dataclass
class States:
    """The states behind results, one by one.

    Parameters
    ----------
    results : Results
        Rows that belong to a site.
    without : int
        How many rows had no geometry, so far.
    """

    results: Results
    without: int = 0

    def __iter__(self) -> Iterator[State]:
        for rows in chunks(self.results.documents(), AT_ONCE):
            keys = _keys(self.results, rows)
            found = self.results.database.known(set(keys.values()))
            for row in rows:
                calculation = found.get(keys.get(row["key"], ""))
                if calculation is None or calculation["status"] != "done" or calculation["atoms"] is None:
                    self.without += 1
                else:
                    yield State(row, calculation)

    @property
    def notes(self) -> tuple[str, ...]:
        """What to say of rows without a geometry."""
        if not self.without:
            return ()
        return (f"{self.without} rows are left out: no relaxed geometry is stored for them",)


def _keys(results: Results, rows: Sequence[Document]) -> dict[str, str]:
    if results.collection == "reaction_results":
        return clean_keys(results.database, rows)
    role = _ROLES[results.collection]
    return {row["key"]: row["calculations"][role] for row in rows if role in row["calculations"]}


def clean_keys(database: Database, reactions: Sequence[Document]) -> dict[str, str]:
    """Return the request keys of the relaxed clean sites of reaction results, by the keys of these."""
    wanted = sorted({key for document in reactions for key in document["adsorption_energies"].values()})
    clean = {
        row["key"]: row["calculations"]["clean"]
        for some in chunks(wanted)
        for row in database.adsorption_energies.query({"key": {"$in": some}}, ["key", "calculations"])
        if "clean" in row["calculations"]
    }
    found = {}
    for document in reactions:
        known = [clean[key] for key in document["adsorption_energies"].values() if key in clean]
        if known:
            found[document["key"]] = known[0]
    return found


def calculated(calculation: Document) -> Atoms:
    """Return the atoms of a calculation with what it gave for them.

    Parameters
    ----------
    calculation : mapping
        As :meth:`~atomsieve.structures.calculation.Calculation.to_dict` gives it.

    Returns
    -------
    ase.Atoms
        Å. Its calculator holds the energy (eV) and, as far as they are kept, the forces (eV/Å) and moments (μB).
    """
    from ase.calculators.singlepoint import SinglePointCalculator

    atoms = atoms_from_dict(calculation["atoms"])
    known = {name: calculation.get(field) for name, field in (("forces", "forces"), ("magmoms", "moments"))}
    atoms.calc = SinglePointCalculator(
        atoms, energy=calculation["energy"], **{name: value for name, value in known.items() if value is not None}
    )
    atoms.calc.name = str(calculation["request"]["method"]["calculator"])
    return atoms


def boxed(atoms: Atoms, vacuum: float = 6.0) -> Atoms:
    """Return a copy with three lattice vectors, as files of crystals want them.

    Parameters
    ----------
    atoms : ase.Atoms
        What has no lattice vector along a direction gets one that leaves ``vacuum`` (Å) on either side.
    vacuum : float
        Å.
    """
    box = atoms.copy()
    if missing := [axis for axis in range(3) if not box.cell[axis].any()]:
        box.center(vacuum=vacuum, axis=missing)
    box.pbc = True
    return box
