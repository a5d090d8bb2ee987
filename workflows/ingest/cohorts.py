"""Cohort: runs of one site whose energies may be combined, and the rows that come of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from atomsieve.analysis.adsorption import adsorption_energy
from atomsieve.structures.adsorbate import adsorbates
from atomsieve.structures.correction import correction_tables
from atomsieve.structures.energies import AdsorptionEnergy, SiteLabel
from atomsieve.structures.errors import InputError, MethodMismatchError
from atomsieve.structures.gas_correction import gas_correction
from atomsieve.structures.gate import require_combinable
from atomsieve.structures.molecule import reference_amounts
from atomsieve.structures.section import ThermochemistrySection
from atomsieve.structures.units import ROOM_TEMPERATURE
from atomsieve.workflows.ingest.documents import Taken
from atomsieve.workflows.requests import terms_digest

#: Called with a run, and why it is not used.
Refuse = Callable[[Taken, str], None]


@dataclass
class Cohort:
    """Runs of one site whose energies may be combined.

    Parameters
    ----------
    clean : list of Taken
        The first gives the method.
    adsorbed : dict of str to list of Taken
        By adsorbate.
    """

    clean: list[Taken]
    adsorbed: dict[str, list[Taken]] = field(default_factory=dict)

    @property
    def method(self) -> Mapping[str, Any]:
        """The method of its rows."""
        return self.clean[0].participant.method

    @property
    def members(self) -> list[Taken]:
        """All of them."""
        return [*self.clean, *(taken for group in self.adsorbed.values() for taken in group)]

    def mismatch(self, others: Iterable[Taken]) -> str | None:
        """Return why runs cannot be combined with those that are here, the clean one first; None if they can."""
        new = list(others)
        for members in ([self.clean[0]], self.members):
            try:
                require_combinable([taken.participant for taken in (*members, *new)])
            except MethodMismatchError as error:
                return str(error)
        return None


def cohorts(clean: Sequence[Taken], adsorbed: Sequence[Taken], refuse: Refuse) -> list[Cohort]:
    """Sort the runs of a site by methods that go together.

    Each clean run that goes with no other opens a cohort; what is adsorbed joins the first with which it goes, and is
    refused if there is none.
    """
    found: list[Cohort] = []
    for taken in clean:
        home = next((cohort for cohort in found if cohort.mismatch([taken]) is None), None)
        if home is None:
            found.append(Cohort([taken]))
        else:
            home.clean.append(taken)
    for taken in adsorbed:
        whys = [cohort.mismatch([taken]) for cohort in found]
        home = next((cohort for cohort, why in zip(found, whys, strict=True) if why is None), None)
        if home is None:
            refuse(taken, str(whys[0]) if whys else "its site has no clean run: E(*) is missing")
        else:
            home.adsorbed.setdefault(taken.species, []).append(taken)
    return found


@dataclass(frozen=True)
class Rows:
    """What comes of a cohort.

    Parameters
    ----------
    rows : mapping of str to AdsorptionEnergy
        By adsorbate.
    without : mapping of str to str
        Why another adsorbate has no row.
    warnings : tuple of str
        What the gate lets pass with a remark.
    """

    rows: Mapping[str, AdsorptionEnergy]
    without: Mapping[str, str]
    warnings: tuple[str, ...]


def rows_of(
    cohort: Cohort, site: SiteLabel, gases: Mapping[str, Sequence[Taken]], thermochemistry: ThermochemistrySection
) -> Rows:
    """Return the adsorption energies of a cohort.

    Parameters
    ----------
    cohort : Cohort
        Runs that go together.
    site : SiteLabel
        Their site.
    gases : mapping of str to sequence of Taken
        Runs of the gas references, by name, the usable ones of lowest energy first.
    thermochemistry : ThermochemistrySection
        What turns electronic energies into free energies.
    """
    rows: dict[str, AdsorptionEnergy] = {}
    without: dict[str, str] = {}
    policy = selection(thermochemistry)
    used: dict[str, Taken] = {}
    for name, group in cohort.adsorbed.items():
        if why := _no_row(name, thermochemistry, cohort.method):
            without[name] = why
            continue
        chosen, why = _references(cohort, name, gases)
        if why:
            without[name] = why
            continue
        used |= chosen
        row = adsorption_energy(
            site=site,
            adsorbate=name,
            method=cohort.method,
            policy=policy,
            clean=[taken.reference for taken in cohort.clean],
            adsorbed=[taken.reference for taken in group],
            gases={gas: taken.reference for gas, taken in chosen.items()},
        )
        stated = {str(taken.document["key"]): taken.uncertainty for taken in group}
        rows[name] = replace(row, uncertainty=stated.get(row.calculations.get("adsorbed", "")))
    warnings = require_combinable(taken.participant for taken in (*cohort.members, *used.values())) if rows else ()
    return Rows(rows, without, warnings)


def selection(thermochemistry: ThermochemistrySection) -> dict[str, Any]:
    """Return what rows say of how they were made."""
    return {
        "ingested": True,
        "corrections": thermochemistry.corrections,
        "terms": terms_digest(thermochemistry.corrections, thermochemistry.gas_corrections),
        "solvation": thermochemistry.solvation,
        "temperature": ROOM_TEMPERATURE,
        **({"gas_corrections": mended} if (mended := thermochemistry.gas_corrections) != "none" else {}),
    }


def _no_row(adsorbate: str, thermochemistry: ThermochemistrySection, method: Mapping[str, Any]) -> str:
    """Say why an adsorbate can have no free energy, whatever was calculated; nothing if it can."""
    corrections = thermochemistry.corrections
    if corrections != "none" and adsorbate not in correction_tables()[corrections].adsorbates:
        return f"the corrections {corrections!r} have no value for it; choose others under thermochemistry in a mapping"
    mended = gas_correction(thermochemistry.gas_corrections)
    if mended is not None:
        try:
            mended.values(method)
        except InputError as error:
            return str(error)
    solvent = method["physics"].get("solvent", "none")
    if thermochemistry.solvation == "table" and solvent != "none":
        return f"its energies are in {solvent} already; set thermochemistry.solvation to none in the mapping"
    return ""


def _references(cohort: Cohort, adsorbate: str, gases: Mapping[str, Sequence[Taken]]) -> tuple[dict[str, Taken], str]:
    """Return the gases of an adsorbate that go with a cohort, or why those that are there do not."""
    chosen: dict[str, Taken] = {}
    for gas in reference_amounts(adsorbates()[adsorbate].composition):
        candidates = gases.get(gas, ())
        fitting = [taken for taken in candidates if cohort.mismatch([*chosen.values(), taken]) is None]
        if candidates and not fitting:
            return {}, str(cohort.mismatch([*chosen.values(), candidates[0]]))
        if fitting:
            chosen[gas] = fitting[0]
    return chosen, ""
