"""Command: what ``atomsieve ingest`` does."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from atomsieve.analysis.database import Database
from atomsieve.analysis.documents.sites import site_document, unknown_site_document
from atomsieve.analysis.provenance import Provenance
from atomsieve.structures.energies import AdsorptionEnergy, SiteLabel
from atomsieve.structures.identity import plain
from atomsieve.workflows import screen
from atomsieve.workflows.campaigns import open_database
from atomsieve.workflows.ending import Code
from atomsieve.workflows.folder import Folder
from atomsieve.workflows.harvest import potentials
from atomsieve.workflows.ingest.collection import Collection, collection
from atomsieve.workflows.ingest.documents import Taken
from atomsieve.workflows.ingest.findings import Finding, SiteFound
from atomsieve.workflows.ingest.gathering import Gathering
from atomsieve.workflows.ingest.mapping import load
from atomsieve.workflows.ingest.recognition import FAMILY
from atomsieve.workflows.ingest.sources import walk
from atomsieve.workflows.settings import read_settings

#: Lines of what went in that are shown; what did not is shown with more.
SHOWN, SHOWN_REFUSED = 40, 200


class Writer:
    """Writes what is found, site by site; without a database it only says what it would write.

    Parameters
    ----------
    database : Database or None
        Connected.
    provenance : Provenance
        Who ingests, and under which name.
    is_dry : bool
        Look, but write nothing.
    """

    def __init__(self, database: Database | None, provenance: Provenance, *, is_dry: bool) -> None:
        self._database = database
        self._by = provenance
        self._is_dry = is_dry
        self._seen: set[str] = set()
        self.known: set[str] = set()
        self.new = 0

    def site(self, found: SiteFound) -> None:
        """Store a site that is not there yet."""
        if self._database is not None and not self._is_dry:
            label = SiteLabel(found.label, found.key, FAMILY, found.metals)

            def document() -> dict[str, Any]:
                if found.site is None:
                    return unknown_site_document(label, found.recipe, self._by)
                return site_document(found.site, self._by, label)

            self._database.push_sites({found.key: document}, self._by)

    def calculations(self, taken: Sequence[Taken]) -> None:
        """Store calculations that are not there yet."""
        documents = {str(one.document["key"]): dict(one.document) for one in taken}
        fresh = [key for key in documents if key not in self._seen]
        self._seen.update(fresh)
        stored = self._database.known(fresh) if self._database is not None and fresh else {}
        self.known.update(stored)
        wanted = [documents[key] for key in fresh if key not in stored]
        self.new += len(wanted)
        if self._database is not None and not self._is_dry:
            self._database.ingest([plain(document) for document in wanted], self._by)

    def rows(self, kept: Collection, rows: Sequence[dict[str, AdsorptionEnergy]]) -> None:
        """Store rows, and the limiting potentials that stand on them."""
        if self._database is None or self._is_dry:
            return
        for group in rows:
            self._database.push(list(group.values()), potentials(kept, group, kept.surroundings), (), self._by)


def ingest(
    name: str, paths: Sequence[Path], mapping: Path | None, patterns: Sequence[str], *, as_json: bool, is_dry: bool
) -> int:
    """Ingest what lies under some paths; return the exit code: that of an incomplete one if nothing is in."""
    settings = read_settings()
    folder = Folder(settings.folder)
    mapped = load(mapping, patterns)
    sources = list(walk(paths))
    store = open_database(None, folder, settings)
    # to look must not make a database
    is_absent = is_dry and store.path is not None and not store.path.exists()
    err = screen.console(stderr=True)
    with (
        nullcontext() if is_absent else store as database,
        Progress(console=err, transient=True, disable=not err.is_terminal) as progress,
        Gathering(name, mapped) as gathering,
    ):
        before = database.campaign(name) if database is not None else None
        if before is not None:
            collection(name, [], mapped.file, before, folder)  # refuses the name of a campaign that was run
        bar = progress.add_task("reading", total=len(sources))
        gathering.read(sources, lambda: progress.advance(bar))
        writer = Writer(database, Provenance(name, folder=str(folder.root)), is_dry=is_dry)
        sites = []
        judged = progress.add_task("judging sites", total=None)
        for site in gathering.sites():
            progress.advance(judged)
            writer.site(site)
            writer.calculations([*site.calculations, *(gas for group in gathering.gases.values() for gas in group)])
            site.calculations.clear()
            sites.append(site)
        writer.calculations([gas for group in gathering.gases.values() for gas in group])
        kept = None
        if any(site.rows for site in sites):
            kept = collection(name, [site.entry for site in sites if site.rows], mapped.file, before, folder)
            writer.rows(kept, [site.rows for site in sites])
            if database is not None and not is_dry:
                content = kept.campaign.model_dump(mode="json", exclude_unset=True)
                database.save_campaign(name, content, kept.site_count, kept.provenance)
    for finding in gathering.findings:
        if finding.state == "in" and finding.key in writer.known:
            finding.state = "there already"
    is_in = any(finding.state in ("in", "there already") for finding in gathering.findings)
    report = Report(name, gathering.findings, sites, writer.new, is_dry)
    if as_json:
        screen.print_json(report.data())
    else:
        report.show()
    return Code.DONE if is_in else Code.INCOMPLETE


class Report:
    """What was found, for people and for programs.

    Parameters
    ----------
    name : str
        Of the collection.
    findings : sequence of Finding
        A line each.
    sites : sequence of SiteFound
        What came of each site.
    new : int
        Calculations that were not there before.
    is_dry : bool
        Nothing was written.
    """

    def __init__(
        self, name: str, findings: Sequence[Finding], sites: Sequence[SiteFound], new: int, is_dry: bool
    ) -> None:
        self.name = name
        self.findings = findings
        self.sites = sites
        self.new = new
        self.is_dry = is_dry

    @property
    def warnings(self) -> list[str]:
        """What the gate lets pass with a remark, each once."""
        return list(dict.fromkeys(text for site in self.sites for text in site.warnings))

    def data(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "campaign": self.name,
            "dry_run": self.is_dry,
            "new": self.new,
            "found": [asdict(finding) for finding in self.findings],
            "sites": [
                {
                    **site.entry,
                    "rows": {name: row.free for name, row in site.rows.items()},
                    "verdicts": {name: row.verdict for name, row in site.rows.items()},
                    "without": site.without,
                }
                for site in self.sites
            ],
            "warnings": self.warnings,
        }

    def show(self) -> None:
        """Print a table and a summary."""
        out = screen.console()
        table = Table("path", "taken for", "energy (eV)", "state", "verdict or reason", title=self.name)
        table.columns[0].overflow = "fold"
        table.columns[2].justify = "right"
        good = [finding for finding in self.findings if finding.state in ("in", "there already")]
        bad = [finding for finding in self.findings if finding.state not in ("in", "there already")]
        for finding in [*good[:SHOWN], *bad[:SHOWN_REFUSED]]:
            energy = "" if finding.energy is None else f"{finding.energy:.4f}"
            cells = (finding.source, finding.taken_for, energy, finding.state, finding.reason)
            table.add_row(*map(escape, cells), style=None if finding in good[:SHOWN] else "yellow")
        out.print(table)
        if left := max(len(good) - SHOWN, 0) + max(len(bad) - SHOWN_REFUSED, 0):
            out.print(f"and {left:,} lines more: --json lists them")
        for site in self.sites:
            out.print(escape(f"{site.label}: {site.support}: {_rows(site)}"), soft_wrap=True)
        for text in self.warnings:
            out.print(escape(f"warning: {text}"), style="yellow", soft_wrap=True)
        there = sum(finding.state == "there already" for finding in good)
        counts = f"{len(good) - there:,} in, {there:,} there already, {len(bad):,} not used"
        dry = "; nothing was written (--dry-run)" if self.is_dry else ""
        number = sum(1 for site in self.sites for _ in site.rows)
        out.print(
            f"{len(self.findings):,} found: {counts}; {number:,} adsorption energies at {len(self.sites):,} sites{dry}"
        )
        if number and not self.is_dry:
            out.print(f"see: atomsieve results {self.name}")


def _rows(site: SiteFound) -> str:
    words = [
        f"{name}* {row.free:+.2f} eV" if row.free is not None else f"{name}* {row.verdict} ({row.reason})"
        for name, row in site.rows.items()
    ]
    words += [f"{name}* no free energy: {why}" for name, why in site.without.items()]
    return ", ".join(words) or "no adsorbate"
