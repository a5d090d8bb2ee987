"""StageRun: carries one stage of a campaign through, or a campaign that has none, from wherever it was stopped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from jobflow import Flow, Job

from atomsieve.analysis.database import Database
from atomsieve.analysis.documents.sites import site_document
from atomsieve.builders import catalog
from atomsieve.structures.errors import AtomsieveError, StoreError
from atomsieve.structures.molecule import Molecule, molecule
from atomsieve.structures.reference import reference
from atomsieve.structures.site import ActiveSite
from atomsieve.workflows.checked import CheckedCampaign, site_key
from atomsieve.workflows.flowrun import FlowRun
from atomsieve.workflows.flows import SiteFlowMaker, gas_flow
from atomsieve.workflows.harvest import SiteRows, is_complete, site_rows, stored_rows
from atomsieve.workflows.jobs import RelaxMaker
from atomsieve.workflows.ledger import Ledger, Tag, kind_of, label_of
from atomsieve.workflows.local import Attempt, LocalEngine
from atomsieve.workflows.outbox import Outbox
from atomsieve.workflows.variants import Variant
from atomsieve.workflows.watch import Summary, Watch


class StageRun:
    """Carries one stage through.

    Parameters
    ----------
    checked : CheckedCampaign
        The stage, for the sites that enter it.
    database : Database
        Connected; only this process writes to it.
    workers : int
        Worker processes.
    watch : Watch
        Who is told.
    summary : Summary
        Is added to.
    """

    def __init__(
        self, checked: CheckedCampaign, database: Database, workers: int, watch: Watch, summary: Summary
    ) -> None:
        self.checked = checked
        self.database = database
        self.folder = checked.folder
        self.watch = watch
        self.summary = summary
        self.relax = RelaxMaker(numerics=checked.numerics)
        self.maker = SiteFlowMaker(checked.policy, checked.campaign.all_adsorbates, self.relax)
        self.bare = SiteFlowMaker(checked.policy, (), self.relax)
        self.workers = workers
        self.ledger = Ledger(checked, database)
        self._entered: dict[str, SiteRows] = {}
        self._gases: dict[str, dict[str, Any]] = {}
        self._asked: set[str] = set()
        self._variants: dict[str, dict[str, Any]] = {}
        self._early: list[FlowRun] = []
        self.outbox = Outbox(checked, database, self.ledger)

    def run(self) -> None:
        """Run until every site is complete or cannot be completed.

        Raises
        ------
        StoreError
            If the database stayed away; nothing is lost, the results are on disk.
        """
        try:
            for run in self._runs():
                self._take(run)
            self._leave(self._early)
        except BaseException:
            # what has been finished by now is worth keeping; why it was stopped is worth more than why that failed
            with suppress(StoreError):
                self.outbox.flush(last=True)
            raise
        self.outbox.flush(last=True)

    def _runs(self) -> Iterator[FlowRun]:
        """Run the flows and yield each as it ends."""
        engine = LocalEngine(
            self.folder, self.workers, self._known, self._started, self._finished, self.ledger.held, self.outbox.flush
        )
        with suppress(StoreError):
            self.ledger.begin()
        for run in engine.run(self._signed()):
            self.ledger.ended(run, self._key(run.tag))
            yield run

    def _signed(self) -> Iterator[tuple[Any, Flow]]:
        for tag, flow in self._flows():
            self.ledger.drawn(flow, self._key(tag), kind_of(tag), label_of(tag))
            yield tag, flow

    def _key(self, tag: Tag) -> str:
        """Return the key of a flow."""
        return self.ledger.key(tag, self._entered[tag.key] if isinstance(tag, ActiveSite) else None)

    def _leave(self, early: list[FlowRun]) -> None:
        """Leave sites that are finished but for the gases."""
        for run in early:
            self._give_up(run.tag.label, "a gas reference could not be calculated")

    def _flows(self) -> Iterator[tuple[Any, Flow]]:
        """Yield the flows that are still to do; the gases first, and only if a site needs them."""
        gases_asked = False
        for stored in stored_rows(self.checked, self.database, tolerant=True):
            self.summary.entered += 1
            if self._is_complete(stored):
                self.summary.sites += 1
                self.summary.stored += 1
                self.outbox.keep(stored)
                self.outbox.sites[site_key(stored.recipe)] = partial(self._site_document, stored.recipe)
                self._note_complete(stored)
                self.watch.site(next(iter(stored.rows.values())).site.label, stored, stored=True)
                continue
            if not gases_asked:
                gases_asked = True
                for gas in self.checked.species:
                    yield molecule(gas), gas_flow(self.checked.species_policy(gas), self.relax, gas)
            label = str(dict(stored.recipe))
            try:
                site = catalog.build(stored.recipe)
                label = site.label
                carried = self._carried(stored)
            except AtomsieveError as error:
                self._give_up(label, str(error))
                continue
            for variant in self._variants_of(stored.recipe):
                yield variant, self.bare.make(variant.site)
            self._entered[site.key] = stored
            self.outbox.sites[site.key] = partial(site_document, site, self.checked.provenance)
            yield site, self.maker.make(site, carried)

    def _site_document(self, recipe: Mapping[str, Any]) -> dict[str, Any]:
        return site_document(catalog.build(recipe), self.checked.provenance)

    def _variants_of(self, recipe: Mapping[str, Any]) -> Iterator[Variant]:
        """Yield what a site's stability is calculated from, but for what has been asked for already."""
        for one in self.checked.variants(recipe).values():
            key = site_key(one)
            if key in self._asked:
                continue
            self._asked.add(key)
            try:
                variant = Variant(catalog.build(one))
            except AtomsieveError as error:
                self._variants[key] = {"clean": []}
                self.summary.errors[str(one)] = str(error)
            else:
                yield variant

    def _carried(self, stored: SiteRows) -> dict[str, Any] | None:
        """Return the references of the stage before that relaxations start from; None where they start from the site.

        Raises
        ------
        StoreError
            If one of them is lost.
        """
        if self.checked.origin is None:
            return None

        def found(key: str) -> dict[str, Any]:
            document = self.outbox.settled(key)
            if document is None:
                raise StoreError(
                    f"the result of {key}, where relaxations start, is neither on disk nor in the database"
                )
            return reference(document)

        keys = stored.carried
        return {
            "clean": [found(key) for key in keys["clean"]],
            "adsorbed": {name: [found(key) for key in own] for name, own in keys["adsorbed"].items()},
        }

    def _is_complete(self, stored: SiteRows) -> bool:
        try:
            return is_complete(self.checked, stored, self.database)
        except StoreError:
            return False

    def _note_complete(self, stored: SiteRows) -> None:
        self.ledger.note_complete(stored)

    def _take(self, run: FlowRun) -> None:
        # what went wrong with these concerns the stability alone, and is tried again by the next run
        if isinstance(run.tag, Variant):
            self._variants[run.tag.key] = {"clean": []} if run.errors else run.output
        elif run.errors and isinstance(run.tag, Molecule) and run.tag.is_metal:
            self._gases[run.tag.name] = {}
        elif run.errors:
            self._give_up(label_of(run.tag), "; ".join(f"{name}: {text}" for name, text in run.errors.items()))
        elif isinstance(run.tag, ActiveSite):
            self._early.append(run)
        else:
            self._gases[run.tag.name] = run.output
        if len(self._gases) == len(self.checked.species):
            early, self._early = self._early, []
            for site_run in early:
                needed = {role: site_key(one) for role, one in self.checked.variants(site_run.tag.recipe).items()}
                if not self._variants.keys() >= set(needed.values()):
                    self._early.append(site_run)
                    continue
                variants = {role: self._variants[key] for role, key in needed.items()}
                stored = self._entered.pop(site_run.tag.key)
                rows = site_rows(self.checked, site_run.tag, site_run.output, self._gases, stored, variants)
                self.outbox.keep(rows)
                self.summary.sites += 1
                self.watch.site(site_run.tag.label, rows, stored=False)
        self.outbox.flush()

    def _give_up(self, label: str, error: str) -> None:
        self.summary.errors[label] = error
        self.watch.site(label, None, stored=False)

    def _known(self, job: Job) -> dict[str, Any] | None:
        """Return a calculation's reference if it is settled, on disk or in the database."""
        key = job.metadata.get("key")
        if key is None:
            return None
        document = self.outbox.settled(key)
        if document is None:
            return None
        self.summary.reused += 1
        self.outbox.outcomes[key] = job
        return reference(document)

    def _started(self, attempt: Attempt) -> None:
        if "key" in attempt.job.metadata:
            self.ledger.started(attempt)
            self.watch.started(attempt.job.name)

    def _finished(self, job: Job, document: dict[str, Any] | None, error: str | None) -> None:
        if document is not None:
            self.outbox.documents.append(document)
        if "key" not in job.metadata:
            return
        output = document["output"] if document is not None else None
        if output is not None:
            self.summary.computed += 1
            self.summary.failed += output["status"] == "failed"
            self.outbox.outcomes[job.metadata["key"]] = job
        if error is not None:
            self.ledger.failed(job, error)
        self.watch.finished(job.name, job.metadata["task"], output)
        self.outbox.flush()
