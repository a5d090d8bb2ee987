"""Catalysis-Hub file: an ASE database with the tables of reactions and their publication that its own tool reads.

Layout and conventions are those of the tool ``cathub`` 0.1.7: reactants and products by name and phase (``H2Ogas``,
``star``, ``OHstar``) with positive amounts, an energy for each system, and a reaction energy that is the sum of these,
products less reactants, in eV. What the tables have no column for stands with the systems as key-value pairs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ase.calculators.singlepoint import SinglePointCalculator
from ase.db import connect
from ase.db.core import now
from ase.db.row import AtomsRow

from atomsieve.analysis.chunks import chunks
from atomsieve.analysis.export import Written
from atomsieve.analysis.export.equation import Summand, adsorptions, side, species_of, summands
from atomsieve.analysis.export.publication import Publication
from atomsieve.analysis.whole import whole_file
from atomsieve.structures.adsorbate import END_ON
from atomsieve.structures.errors import InputError
from atomsieve.structures.method import Method
from atomsieve.structures.site import atoms_from_dict

if TYPE_CHECKING:
    from atomsieve.analysis.results.results import Results

#: The tables beside those of ASE, as cathub makes them.
TABLES: Final = (
    """CREATE TABLE publication (
    id INTEGER PRIMARY KEY AUTOINCREMENT, pub_id text UNIQUE, title text, authors text, journal text, volume text,
    number text, pages text, year integer, publisher text, doi text, tags text)""",
    """CREATE TABLE publication_system (
    ase_id text REFERENCES systems(unique_id), pub_id text REFERENCES publication(pub_id),
    PRIMARY KEY (pub_id, ase_id))""",
    """CREATE TABLE reaction (
    id INTEGER PRIMARY KEY AUTOINCREMENT, chemical_composition text, surface_composition text, facet text, sites text,
    coverages text, reactants text, products text, reaction_energy real, activation_energy real, dft_code text,
    dft_functional text, username text, pub_id text, FOREIGN KEY (pub_id) REFERENCES publication(pub_id))""",
    """CREATE TABLE reaction_system (
    name text, energy_correction real, ase_id text, id integer, FOREIGN KEY (ase_id) REFERENCES systems(unique_id),
    FOREIGN KEY (id) REFERENCES reaction(id))""",
)
#: Rows whose calculations are looked up at once.
BATCH: Final = 200
#: eV within which the energies of the systems add up to that of the reaction.
TOLERANCE: Final = 1e-6
#: What Catalysis-Hub calls a binding mode, where it has a word of its own.
SITES: Final[Mapping[str, str]] = {END_ON: "ontop"}

#: From request keys to those of their documents that are stored.
Find = Callable[[Sequence[str]], Mapping[str, Mapping[str, Any]]]


def method_words(row: Mapping[str, Any]) -> tuple[str, str]:
    """Return code and functional of a row's method, the latter with dispersion, U and solvent."""
    geometry = row["policy"].get("geometry_method")
    own = Method.from_dict(row["method"])
    title = own.title(Method.from_dict(geometry) if geometry else None)
    level = title.removeprefix(own.calculator).strip(" ,")
    return own.calculator, level or own.calculator


@dataclass
class Hub:
    """A file that is being written.

    Parameters
    ----------
    database : ase.db.sqlite.SQLite3Database
        Open, in a transaction.
    publication : Publication
        Of everything in it.
    find : callable
        Where calculations come from.
    username : str
        Who uploads; empty for who made each row.
    """

    database: Any
    publication: Publication
    find: Find
    username: str = ""
    reactions: int = 0
    unbound: int = 0
    homeless: int = 0
    doubles: int = 0
    pre_screening: bool = False
    # formula by request key of what is written already
    _systems: dict[str, tuple[float, str]] = field(default_factory=dict)
    _seen: set[tuple[str, ...]] = field(default_factory=set)

    def begin(self) -> None:
        """Make the tables, and write the publication."""
        for table in TABLES:
            self._execute(table)
        row = self.publication.to_row()
        self._execute(f"INSERT INTO publication VALUES (NULL{', ?' * len(row)})", row)

    def write(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write some rows as reactions, with the systems that they stand on."""
        bound = [(row, summands(row)) for row in rows if row["terms"]]
        self.unbound += len(rows) - len(bound)
        wanted = {one.key for _, species in bound for one in species} - self._systems.keys()
        # a single point says nothing of how the adsorbate binds
        wanted |= {row["calculations"]["adsorbed"] for row, _ in bound}
        stored = self.find(sorted(wanted)) if wanted else {}
        for row, species in bound:
            if not all(one.key in self._systems or one.key in stored for one in species):
                self.homeless += 1
                continue
            # rows of the same energies differ in what is added to them
            same = (row["adsorbate"], *(f"{one.key} {one.correction:.9f}" for one in species))
            if same in self._seen:
                self.doubles += 1
                continue
            self._seen.add(same)
            for one in species:
                if one.key not in self._systems:
                    self._write_system(one, row, stored[one.key])
            placed = stored.get(row["calculations"]["adsorbed"])
            mode = placed["request"]["subject"].get("mode", END_ON) if placed is not None else None
            self._write_reaction(row, species, mode)

    def _write_system(self, one: Summand, row: Mapping[str, Any], document: Mapping[str, Any]) -> None:
        atoms = atoms_from_dict(document["atoms"])
        known = {name: document.get(name) for name in ("energy", "forces")} | {"magmoms": document.get("moments")}
        atoms.calc = SinglePointCalculator(atoms, **{name: value for name, value in known.items() if value is not None})
        atoms.calc.name = document["request"]["method"]["calculator"]
        gas = one.name.endswith("gas")
        formula = atoms.get_chemical_formula(mode="hill" if gas else "metal")
        entry = AtomsRow(atoms)
        # the same calculation has the same identity in every export
        entry.unique_id = document["key"][:32]
        entry.ctime, entry.user = now(), self._user(row)
        pairs = {
            "name": formula,
            "state": "gas" if gas else "star",
            "species": one.name.removesuffix("gas").removesuffix("star"),
            "epot": document["energy"],
            "pub_id": self.publication.pub_id,
            "request_key": f"sha256:{document['key']}",
            "method_key": f"sha256:{document['request']['method']['key']}",
            "multiplicity": document["request"]["multiplicity"],
            "total_charge": document["request"]["charge"],
            "task": document["request"]["task"],
        }
        if not gas:
            pairs |= {
                "site_label": row["site"]["label"],
                "site_key": f"sha256:{row['site']['key']}",
                "family": row["site"]["family"],
                "metals": "-".join(sorted(row["site"]["metals"])),
            }
        if one.amount > 0 and not gas:
            pairs |= {
                "adsorbate": row["adsorbate"],
                "row_key": f"sha256:{row['key']}",
                "adsorption_energy": row["electronic"],
                "adsorption_free_energy": row["free"],
                "corrections": row["policy"].get("corrections"),
                "solvation": row["policy"].get("solvation"),
                "temperature": row["policy"].get("temperature"),
                "uncertainty": row.get("uncertainty"),
            }
            for term in row["terms"]:
                if term["kind"] != "electronic":
                    name = f"{term['kind']}_terms"
                    pairs[name] = pairs.get(name, 0.0) + float(term["value"])
        self.database.write(entry, key_value_pairs={key: value for key, value in pairs.items() if value is not None})
        self._systems[one.key] = (float(document["energy"]), formula)

    def _write_reaction(self, row: Mapping[str, Any], species: Sequence[Summand], mode: str | None) -> None:
        energy = sum(one.amount * (self._systems[one.key][0] + one.correction) for one in species)
        meant = float(row["electronic"]) + sum(one.amount * one.correction for one in species)
        if abs(energy - meant) > TOLERANCE:
            raise InputError(
                f"{row['adsorbate']}* on {row['site']['label']}: the energies of its calculations add up to "
                f"{energy:.6f} eV, and its row {row['key'][:8]} says {meant:.6f} eV; derive the rows again with "
                "'atomsieve rebuild'"
            )
        code, functional = method_words(row)
        self.pre_screening |= not Method.from_dict(row["method"]).is_predictive
        clean = next(one for one in species if one.name == "star")
        values = (
            self._systems[clean.key][1],
            row["site"]["label"],
            # a site on a support, in a pore or in a molecule is on no facet of a crystal
            "",
            json.dumps({species_of(row["adsorbate"]): SITES.get(mode, mode)} if mode else {}),
            json.dumps({}),
            side(species, -1),
            side(species, +1),
            energy,
            None,
            code,
            functional,
            self._user(row),
            self.publication.pub_id,
        )
        number = self._execute(f"INSERT INTO reaction VALUES (NULL{', ?' * len(values)})", values)
        for one in species:
            identity = one.key[:32]
            self._execute(
                "INSERT INTO reaction_system VALUES (?, ?, ?, ?)", (one.name, one.correction, identity, number)
            )
            self._execute("INSERT OR IGNORE INTO publication_system VALUES (?, ?)", (identity, self.publication.pub_id))
        self.reactions += 1

    def _user(self, row: Mapping[str, Any]) -> str:
        return self.username or str(row.get("provenance", {}).get("user", ""))

    def _execute(self, command: str, values: Sequence[Any] = ()) -> int:
        with closing(self.database.connection.cursor()) as cursor:
            return int(cursor.execute(command, values).lastrowid or 0)

    @property
    def notes(self) -> Iterator[str]:
        """What a person should know of the file."""
        if self.unbound:
            yield f"{self.unbound} without a bound state left out"
        if self.homeless:
            yield f"{self.homeless} left out whose calculations are not in this database"
        if self.doubles:
            yield f"{self.doubles} left out that differ from another in what is added to the electronic energy alone"
        if self.pre_screening:
            yield "not from DFT: a file to look at, not to upload"


def write_reactions(
    rows: Iterable[Mapping[str, Any]], find: Find, out: Path, publication: Publication, username: str = ""
) -> Written:
    """Write adsorption energies as a Catalysis-Hub file.

    Parameters
    ----------
    rows : iterable of mapping
        Documents of adsorption energies, of methods that go together.
    find : callable
        From request keys to the documents of their calculations.
    out : Path
        The file, which ends in ``.db``; what is there is replaced.
    publication : Publication
        Where they are published.
    username : str
        Who uploads; empty for who made each row.

    Raises
    ------
    InputError
        If the file has another ending, nothing can be written, or energies do not add up.
    """
    if out.suffix != ".db":
        raise InputError(f"{out.name}: Catalysis-Hub's tool reads files that end in .db; name it {out.stem}.db")
    with whole_file(out) as partial:
        with connect(str(partial), type="db", use_lock_file=False) as database:
            hub = Hub(database, publication, find, username)
            hub.begin()
            for batch in chunks(rows, BATCH):
                hub.write(batch)
        notes = tuple(hub.notes)
        if not hub.reactions:
            raise InputError(f"there is nothing to write: {'; '.join(notes) or 'no adsorption energies were found'}")
    return Written(hub.reactions, "reactions", notes)


def write_catalysis_hub(results: Results, out: Path, *, username: str = "", **publication: str) -> Written:
    """Write results as a Catalysis-Hub file, see :func:`write_reactions`.

    Parameters
    ----------
    results : Results
        Adsorption energies, or results of reactions, which stand on such.
    out : Path
        The file.
    username : str
        Who uploads.
    **publication
        As :data:`~atomsieve.analysis.export.publication.OPTIONS` lists them.
    """
    published = Publication.from_options(publication)
    return write_reactions(adsorptions(results), results.database.known, out, published, username.strip())
