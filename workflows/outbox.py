"""Outbox: what a running stage has found and the database is still to hear of, written in batches."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from jobflow import Job

from atomsieve.analysis.database import Database
from atomsieve.structures.energies import AdsorptionEnergy
from atomsieve.structures.errors import StoreError
from atomsieve.structures.limiting import LimitingPotential
from atomsieve.structures.stability import Stability
from atomsieve.workflows.checked import CheckedCampaign
from atomsieve.workflows.harvest import SiteRows
from atomsieve.workflows.ledger import Ledger

#: Results wait for the database at most so many seconds, or until there are so many.
FLUSH_SECONDS, FLUSH_COUNT = 1.0, 200
#: A database that did not answer is not asked again for so many seconds.
AWAY_SECONDS = 20.0


class Outbox:
    """Gathers results, and writes them in batches; outcomes lie on disk before they come here.

    Parameters
    ----------
    checked : CheckedCampaign
        The stage.
    database : Database
        Connected.
    ledger : Ledger
        Of the stage; is written with the results.
    """

    def __init__(self, checked: CheckedCampaign, database: Database, ledger: Ledger) -> None:
        self.checked = checked
        self.folder = checked.folder
        self.database = database
        self.ledger = ledger
        #: Jobs by the request key of the outcome that they found.
        self.outcomes: dict[str, Job] = {}
        #: What makes the document of a site, by its key.
        self.sites: dict[str, Callable[[], dict[str, Any]]] = {}
        #: Outputs of jobs.
        self.documents: list[dict[str, Any]] = []
        self.rows: list[AdsorptionEnergy] = []
        self.potentials: list[LimitingPotential] = []
        self.stabilities: list[Stability] = []
        self._flushed = time.monotonic()
        self._away_until = 0.0

    def keep(self, rows: SiteRows) -> None:
        """Take the rows of a site that is complete."""
        self.rows += rows.rows.values()
        self.potentials += rows.potentials
        if rows.stability is not None:
            self.stabilities.append(rows.stability)

    def settled(self, key: str) -> dict[str, Any] | None:
        """Return an outcome that stands, and see to it that it is on disk: workers read from there alone."""
        document = self.folder.read(key)
        if not self.checked.is_settled(document):
            document = self._stored(key)
            if not self.checked.is_settled(document):
                return None
            assert document is not None
            self.folder.bring([document])
            document = self.folder.stored(key)
        return document

    def _stored(self, key: str) -> dict[str, Any] | None:
        """Ask the database; one that is away knows nothing, and is left alone for a while."""
        if time.monotonic() < self._away_until:
            return None
        try:
            return self.database.known([key]).get(key)
        except StoreError:
            self._away_until = time.monotonic() + AWAY_SECONDS
            return None

    def flush(self, *, last: bool = False) -> None:
        """Ingest what waits: outcomes first, so that no row ever points at one that is not there; see what is asked."""
        waiting = len(self.outcomes) + len(self.rows) + len(self.documents)
        recent = time.monotonic() - self._flushed < FLUSH_SECONDS
        is_away = time.monotonic() < self._away_until
        if (is_away or (recent and waiting < FLUSH_COUNT)) and not last:
            return
        self._flushed = time.monotonic()
        try:
            found = [(self.folder.read(key), job) for key, job in self.outcomes.items()]
            known = [(document, job) for document, job in found if document is not None]
            by = self.checked.provenance
            self.database.push_sites(self.sites, by)
            self.sites.clear()
            labels = {document["key"]: job.metadata["site"] for document, job in known if "site" in job.metadata}
            self.database.ingest([document for document, _ in known], by, labels)
            self.outcomes.clear()
            self.database.push(self.rows, self.potentials, self.stabilities, by)
            self.rows.clear()
            self.potentials.clear()
            self.stabilities.clear()
            self.database.push_jobs(self.documents)
            self.documents.clear()
            for document, job in known:
                self.ledger.outcome(document, job)
            self.ledger.write(last=last)
        except StoreError as error:
            # away for now: everything is on disk, and waits here too
            self._away_until = time.monotonic() + AWAY_SECONDS
            if last:
                raise StoreError(
                    f"{error}; every finished result is on disk in {self.folder.root}: the same command ingests them"
                ) from error
