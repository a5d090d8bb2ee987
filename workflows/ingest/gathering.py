"""Gathering: from the places where runs lie to calculations, rows and a report of what each was taken for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from atomsieve.builders.bonding import METALS
from atomsieve.structures.energies import SiteLabel
from atomsieve.structures.errors import InputError, unknown
from atomsieve.structures.identity import content_key
from atomsieve.structures.site import ActiveSite
from atomsieve.workflows.ingest import documents
from atomsieve.workflows.ingest.cohorts import cohorts, rows_of
from atomsieve.workflows.ingest.documents import Taken
from atomsieve.workflows.ingest.findings import Finding, SiteFound
from atomsieve.workflows.ingest.grouping import Entry, Group, groups
from atomsieve.workflows.ingest.mapping import Mapped, Role
from atomsieve.workflows.ingest.recognition import FAMILY, SCHEMA, metals_of, site_of, support_of
from atomsieve.workflows.ingest.records import Refused, Run, Spool
from atomsieve.workflows.ingest.sources import Source, read


class Gathering:
    """Reads everything, then takes it site by site.

    Parameters
    ----------
    name : str
        Of the collection; a site without a structure is known by its label within it.
    mapped : Mapped
        What a person says.
    """

    def __init__(self, name: str, mapped: Mapped) -> None:
        self.name = name
        self.mapped = mapped
        self.findings: list[Finding] = []
        self.gases: dict[str, list[Taken]] = {}
        self._spool = Spool()
        self._entries: list[Entry] = []

    def __enter__(self) -> Gathering:
        """Return itself."""
        return self

    def __exit__(self, *exception: object) -> None:
        self._spool.__exit__()

    def read(self, sources: Iterable[Source], progress: Callable[[], None] = lambda: None) -> None:
        """Read every place; runs are kept on disk."""
        for source in sources:
            for found in read(source, self.mapped):
                self._keep(source, found)
            progress()

    def _keep(self, source: Source, found: Run | Refused) -> None:
        if isinstance(found, Refused):
            self.findings.append(Finding(found.source, reason=found.reason))
            return
        try:
            role = self.mapped.role(source.name, found.stated)
            if role.remark and found.atoms is None:
                raise InputError(role.remark)
        except InputError as error:
            self._refuse(found.source, "", found.energy, str(error))
            return
        if found.uncertainty is None:
            found = replace(found, uncertainty=self.mapped.file.uncertainty)
        name = source.name + found.source.removeprefix(str(source.path))
        self._entries.append(Entry.of(found, name, role, self._spool))

    def sites(self) -> Iterable[SiteFound]:
        """Take the gases, then yield what comes of each site."""
        self._take_gases()
        for group in groups([entry for entry in self._entries if not entry.is_gas], self._spool):
            yield from self._site(group)

    def _take_gases(self) -> None:
        for entry in self._entries:
            if not entry.is_gas:
                continue
            run = self._spool.get(entry.place)
            try:
                taken = documents.gas(run, entry.role.gas)
            except InputError as error:
                self._refuse(entry.source, f"{entry.role.gas or 'a molecule'} (gas)", run.energy, str(error))
                continue
            self.gases.setdefault(taken.species, []).append(taken)
        self.gases = {name: sorted(self._unique(group), key=_best_first) for name, group in self.gases.items()}
        for taken in (taken for group in self.gases.values() for taken in group):
            self._found(taken, f"{taken.species} (gas)")

    def _site(self, group: Group) -> Iterable[SiteFound]:
        runs = sorted(
            (self._spool.get(entry.place) for entry in group.clean),
            key=lambda run: (run.trouble, run.energy, run.source),
        )
        if not runs:
            for entry in group.adsorbed:
                self._refuse_entry(entry, group, f"{group.label} has no clean run: E(*) is missing")
            return
        recipe: dict[str, Any] = {"family": FAMILY, "schema": SCHEMA, "collection": self.name, "site": group.label}
        structures = [run.atoms for run in runs if run.atoms is not None]
        site = None
        try:
            metals = self._stated_metals(group, runs)
            if structures:
                site = site_of(structures[0], group.label, metals)
                recipe, metals = dict(site.recipe), metals_of(site)
        except InputError as error:
            for entry in (*group.clean, *group.adsorbed):
                self._refuse_entry(entry, group, str(error))
            return
        said = f"{group.label}, clean"
        clean = [taken for run in runs if (taken := self._taken(run, said, partial(_clean, site, recipe)))]
        adsorbed = [taken for entry in group.adsorbed if (taken := self._adsorbed(entry, group.label, site, recipe))]
        label = SiteLabel(group.label, content_key("site", recipe), FAMILY, metals)
        support = support_of(site) if site else "no structure"
        for found in self._rows(label, support, self._unique(clean), self._unique(adsorbed), recipe):
            found.site = site
            yield found

    def _rows(
        self,
        label: SiteLabel,
        support: str,
        clean: Sequence[Taken],
        adsorbed: Sequence[Taken],
        recipe: dict[str, Any],
    ) -> Iterable[SiteFound]:
        """Yield what comes of a site by each method; report what goes with none."""
        conflicts: dict[str, str] = {}
        found = cohorts(clean, adsorbed, lambda taken, why: conflicts.update({taken.source: why}))
        for taken in (*clean, *adsorbed):
            text = f"{label.label}, clean" if taken.species == "clean" else f"{taken.species}* on {label.label}"
            if taken.source in conflicts:
                self._refuse(taken.source, text, taken.document.get("energy"), conflicts[taken.source])
            else:
                self._found(taken, text)
        for cohort in found:
            made = rows_of(cohort, label, self.gases, self.mapped.file.thermochemistry)
            yield SiteFound(
                label=label.label,
                key=label.key,
                metals=label.metals,
                support=support,
                method=str(cohort.method["key"]),
                calculations=cohort.members,
                recipe=recipe,
                rows=dict(made.rows),
                without=dict(made.without),
                warnings=made.warnings,
            )

    def _stated_metals(self, group: Group, runs: Sequence[Run]) -> tuple[str, ...]:
        entry = self.mapped.file.sites.get(group.label)
        texts = [run.stated["metals"] for run in runs if "metals" in run.stated]
        found = tuple(entry.metals) if entry is not None else tuple(texts[0].split("-") if texts else ())
        for symbol in found:
            if symbol not in METALS:
                raise InputError(unknown(symbol, METALS, "metal"))
        return found

    def _adsorbed(self, entry: Entry, label: str, site: ActiveSite | None, recipe: dict[str, Any]) -> Taken | None:
        run = self._spool.get(entry.place)
        said = f"{entry.role.state}* on {label}" if entry.role.state else f"on {label}"
        return self._taken(run, said, lambda run: documents.adsorbed(run, site, recipe, entry.role.state), entry.role)

    def _taken(self, run: Run, said: str, take: Callable[[Run], Taken], role: Role | None = None) -> Taken | None:
        try:
            return take(run)
        except InputError as error:
            remark = f"{role.remark}, and " if role is not None and role.remark else ""
            self._refuse(run.source, said, run.energy, remark + str(error))
            return None

    def _unique(self, group: list[Taken]) -> list[Taken]:
        """Leave out copies of one run."""
        first: dict[str, Taken] = {}
        for taken in group:
            before = first.setdefault(str(taken.document["key"]), taken)
            if before is not taken:
                reason = f"the same as {before.source}"
                self.findings.append(Finding(taken.source, taken.species, taken.document.get("energy"), "copy", reason))
        return list(first.values())

    def _found(self, taken: Taken, text: str) -> None:
        judgement = taken.document["judgement"]
        state = "in" if taken.is_usable else str(judgement["verdict"])
        words = f"{judgement['verdict']}: {judgement['reason']}" if taken.is_usable else str(judgement["reason"])
        energy = taken.document.get("energy")
        self.findings.append(Finding(taken.source, text, energy, state, words, str(taken.document["key"])))

    def _refuse_entry(self, entry: Entry, group: Group, reason: str) -> None:
        said = f"{entry.role.state}* on {group.label}" if entry in group.adsorbed else f"{group.label}, clean"
        self._refuse(entry.source, said.removeprefix("None* "), self._spool.get(entry.place).energy, reason)

    def _refuse(self, source: str, text: str, energy: float | None, reason: str) -> None:
        self.findings.append(Finding(source, text, energy, "refused", reason))

    @property
    def counts(self) -> Counter[str]:
        """Number of findings by state."""
        return Counter(finding.state for finding in self.findings)


def _clean(site: ActiveSite | None, recipe: dict[str, Any], run: Run) -> Taken:
    return documents.clean(run, site, recipe)


def _best_first(taken: Taken) -> tuple[bool, float, str]:
    return not taken.is_usable, float(taken.document.get("energy") or 0.0), taken.source
