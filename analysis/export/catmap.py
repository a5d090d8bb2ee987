"""CatMAP table: formation energies and frequencies as CatMAP's parser of tables reads them.

One line a species, with tabs between: ``surface_name`` is the site's label, ``None`` for a gas; ``site_name`` is ``s``,
``gas`` for a gas; energies in eV; frequencies in cm⁻¹. All energies refer to the same gases: H from 1/2 H2, O from
H2O - H2, C from CO2 - 2 H2O + 2 H2, N from 1/2 N2 (:data:`~atomsieve.structures.molecule.REFERENCES`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from atomsieve.analysis.chunks import chunks
from atomsieve.analysis.export import Written
from atomsieve.analysis.export.catalysis_hub import BATCH, Find
from atomsieve.analysis.export.equation import adsorptions, summands
from atomsieve.analysis.export.mechanism import SITE, gas_name, mechanism, name_in_catmap
from atomsieve.analysis.whole import whole_file
from atomsieve.structures.errors import InputError, unknown
from atomsieve.structures.method import Method
from atomsieve.structures.molecule import molecule
from atomsieve.structures.reaction import reaction as reaction_named
from atomsieve.structures.units import WAVENUMBER

if TYPE_CHECKING:
    from atomsieve.analysis.results.results import Results

#: The columns, in order.
COLUMNS: Final = (
    "surface_name",
    "site_name",
    "species_name",
    "formation_energy",
    "bulk_structure",
    "frequencies",
    "other_parameters",
    "reference",
)
#: What ``formation_energy`` may be.
ENERGIES: Final = ("electronic", "free")
#: eV within which two rows of one species on one surface are the same.
TOLERANCE: Final = 1e-6
#: Decimals of an energy in eV, and of a wavenumber in cm⁻¹.
DECIMALS, MODE_DECIMALS = 6, 1


@dataclass
class Table:
    """A table that is being written.

    Parameters
    ----------
    free : bool
        Whether energies are free energies.
    find : callable
        From request keys to the documents of calculations.
    """

    free: bool
    find: Find
    unbound: int = 0
    without_modes: int = 0
    pre_screening: bool = False
    # formation energies by surface and species
    energies: dict[str, dict[str, float]] = field(default_factory=dict)
    # frequencies by gas
    gases: dict[str, list[float]] = field(default_factory=dict)

    def lines(self, rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
        """Yield the lines of some rows.

        Raises
        ------
        InputError
            If two rows are of one species on one surface, and not of one energy.
        """
        bound = [row for row in rows if row["terms"]]
        self.unbound += len(rows) - len(bound)
        wanted = {
            key for row in bound for role, key in row["calculations"].items() if role.startswith("vibrations of ")
        }
        stored = {} if self.free or not wanted else self.find(sorted(wanted))
        for row in bound:
            surface, species = " ".join(row["site"]["label"].split()), name_in_catmap(row["adsorbate"])
            energy = round(self._energy(row), DECIMALS)
            known = self.energies.setdefault(surface, {})
            if species in known:
                if abs(known[species] - energy) > TOLERANCE:
                    raise InputError(
                        f"{row['adsorbate']}* on {surface} has two energies, {known[species]:.3f} and {energy:.3f} eV; "
                        "CatMAP takes one of each: narrow what is exported, by its campaign, corrections or solvation"
                    )
                continue
            known[species] = energy
            self.pre_screening |= not Method.from_dict(row["method"]).is_predictive
            for gas in summands(row):
                if gas.name.endswith("gas"):
                    name = gas.name.removesuffix("gas")
                    modes = _modes(stored.get(row["calculations"].get(f"vibrations of {name}")))
                    self.gases[name] = self.gases.get(name) or modes
            modes = _modes(stored.get(row["calculations"].get("vibrations of adsorbed")))
            self.without_modes += not modes
            title = Method.from_dict(row["method"]).title()
            yield _line(surface, SITE, species, energy, row["site"]["family"], modes, f"{title}, row {row['key'][:8]}")

    def _energy(self, row: Mapping[str, Any]) -> float:
        if self.free:
            return float(row["free"])
        return float(row["electronic"]) + sum(one.amount * one.correction for one in summands(row))

    def gas_lines(self, molecules: Iterable[str] = ()) -> Iterator[str]:
        """Yield the lines of the gases that energies refer to, and of more molecules."""
        for name, modes in sorted(self.gases.items()):
            yield _line("None", "gas", gas_name(name), 0.0, "None", modes, "energies refer to it")
        for name in molecules:
            if name not in self.gases:
                free = molecule(name)
                source = free.phases[free.phase].source
                yield _line("None", "gas", gas_name(name), free.formation, "None", [], source)
        if self.free:
            # a proton with its electron, at 0 V against RHE
            yield _line("None", "gas", "pe", 0.0, "None", [], "doi 10.1021/jp047349j")

    @property
    def notes(self) -> Iterator[str]:
        """What a person should know of the table."""
        if self.unbound:
            yield f"{self.unbound} without a bound state left out"
        if not self.free and self.without_modes:
            yield (
                f"{self.without_modes} without frequencies: CatMAP adds no thermal terms to these, nor what a table or "
                "a solvent adds; energies=free writes ΔG instead"
            )
        if self.pre_screening:
            yield "not from DFT: it ranks candidates for a dearer method, no more"


def _modes(document: Mapping[str, Any] | None) -> list[float]:
    """Return the real modes in cm⁻¹; imaginary ones enter no sum."""
    energies = document["energies"] if document is not None else ()
    return [round(energy / WAVENUMBER, MODE_DECIMALS) for energy in energies if energy > 0]


def _line(
    surface: str, site: str, species: str, energy: float, bulk: str, modes: Sequence[float], reference: str
) -> str:
    cells = (
        surface,
        site,
        species,
        f"{energy:.{DECIMALS}f}",
        bulk,
        str(list(modes)),
        "[]",
        " ".join(reference.split()),
    )
    return "\t".join(cells) + "\n"


def write_table(
    rows: Iterable[Mapping[str, Any]], find: Find, out: Path, energies: str = "electronic", model: str | None = None
) -> Written:
    """Write adsorption energies as a table for CatMAP.

    Parameters
    ----------
    rows : iterable of mapping
        Documents of adsorption energies, of methods that go together.
    find : callable
        From request keys to the documents of their calculations.
    out : Path
        The table; what is there is replaced.
    energies : str
        One of :data:`ENERGIES`.
    model : str, optional
        Name of a reaction, for which a template of a model is written beside the table, with the ending ``.mkm``.

    Raises
    ------
    InputError
        If there is nothing to write, a species would stand there twice, or the reaction cannot be modelled.
    """
    if energies not in ENERGIES:
        raise InputError(unknown(energies, ENERGIES, "kind of energies"))
    network = reaction_named(model) if model else None
    if network is not None and energies != "free":
        raise InputError(
            f"a model of {network.name} needs the free energies of its molecules, and those of the sites beside them; "
            "say energies=free"
        )
    table = Table(energies == "free", find)
    with whole_file(out) as partial:
        with partial.open("w", encoding="utf-8") as file:
            file.write("\t".join(COLUMNS) + "\n")
            for batch in chunks(rows, BATCH):
                file.writelines(table.lines(batch))
            file.writelines(table.gas_lines(network.molecules if network is not None else ()))
        notes = tuple(table.notes)
        number = sum(len(species) for species in table.energies.values())
        if not number:
            raise InputError(f"there is nothing to write: {'; '.join(notes) or 'no adsorption energies were found'}")
        if network is not None:
            text = mechanism(network, table.energies, out.name)
            with whole_file(out.with_suffix(".mkm")) as beside:
                beside.write_text(text, encoding="utf-8")
            notes = (*notes, f"a template of a model beside it: {out.with_suffix('.mkm').name}")
    return Written(number, "species", notes)


def write_catmap(results: Results, out: Path, *, energies: str = ENERGIES[0], reaction: str = "") -> Written:
    """Write results as a table for CatMAP, see :func:`write_table`.

    Parameters
    ----------
    results : Results
        Adsorption energies, or results of reactions, which stand on such.
    out : Path
        The table.
    energies : str
        One of :data:`ENERGIES`.
    reaction : str
        Name of a reaction to write the template of a model for.
    """
    return write_table(adsorptions(results), results.database.known, out, energies, reaction or None)
