"""Database: the collections of atomsieve, embedded in one file or on a MongoDB server, by the same code.

====================== ===================================================================== ==============
collection             a document is                                                         ``key``
====================== ===================================================================== ==============
calculations           a Calculation or a Failure                                            request key
sites                  an ActiveSite as it was built                                         site key
adsorption_energies    an AdsorptionEnergy                                                   slot, policy and inputs
reaction_results       a LimitingPotential, with what its rows say                           reaction and rows
stabilities            a Stability                                                           policy, inputs, conditions
failures               what failed, also where it has succeeded since                        request key
methods                a Method of which there are rows                                      method key
campaigns              a campaign file as it was last run                                    name
jobs                   the output of a jobflow job, a small reference                        uuid and index
tasks                  a Task: how far a calculation of a campaign has come                  campaign and subject
leases                 who may act on something now (on a server only)                       what it is
blobs.files, .chunks   what is too large for a document (on a server only)                   digest
====================== ===================================================================== ==============

What the documents of the first eight hold is said in :mod:`atomsieve.analysis.documents`.

Long because it is the one door to all collections; what lies behind it is in modules of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jobflow import JobStore
from maggma.core import Store
from maggma.stores import MongoStore
from monty.json import jsanitize

from atomsieve.analysis.away import AWAY, reported
from atomsieve.analysis.blobs import Blobs
from atomsieve.analysis.chunks import chunks
from atomsieve.analysis.definitions import learn_stored, refuse_redefined
from atomsieve.analysis.documents.campaigns import campaign_document
from atomsieve.analysis.documents.collections import validated
from atomsieve.analysis.documents.common import SCHEMA_VERSION
from atomsieve.analysis.glance import unopened
from atomsieve.analysis.indexes import ARRAYS, COLUMNS, INDEXES, ensure
from atomsieve.analysis.leases import Lease
from atomsieve.analysis.outcomes import put_failures, put_outcomes, resolve
from atomsieve.analysis.provenance import Provenance
from atomsieve.analysis.renamed import RENAMED, take_over, under_old_name
from atomsieve.analysis.rows import Rows, newest
from atomsieve.analysis.store import SQLiteStore
from atomsieve.analysis.tasks import Tasks
from atomsieve.analysis.upserts import gather, put_absent
from atomsieve.analysis.versions import refuse_newer
from atomsieve.structures.clock import utc_now
from atomsieve.structures.energies import AdsorptionEnergy
from atomsieve.structures.errors import StoreError
from atomsieve.structures.limiting import LimitingPotential
from atomsieve.structures.stability import Stability


class Database:
    """The collections of atomsieve.

    Parameters
    ----------
    make : callable
        From a collection's name to a maggma store, not yet connected.
    title : str
        What it is called in messages; holds no credentials.
    path : Path or None
        Its file, if it is embedded.
    read_only : bool
        Whether nothing is written, nor an index or a file made: an account that may only read will do.
    """

    def __init__(
        self, make: Callable[[str], Store], title: str, path: Path | None = None, *, read_only: bool = False
    ) -> None:
        self.read_only = read_only
        self.title = title
        self.path = path
        self.calculations = make("calculations")
        self.adsorption_energies = make("adsorption_energies")
        self.sites = make("sites")
        self.reaction_results = make("reaction_results")
        self.stabilities = make("stabilities")
        self.failures = make("failures")
        self.methods = make("methods")
        self.campaigns = make("campaigns")
        self.jobs = JobStore(make("jobs"))
        self.tasks = Tasks(make("tasks"), title)
        self.leases = make("leases")
        # an embedded document may be as large as it likes
        self.blobs = Blobs(self.calculations, title) if path is None else None
        self._stores: dict[str, Store] = {
            "calculations": self.calculations,
            "adsorption_energies": self.adsorption_energies,
            "sites": self.sites,
            "reaction_results": self.reaction_results,
            "stabilities": self.stabilities,
            "failures": self.failures,
            "methods": self.methods,
            "campaigns": self.campaigns,
            "tasks": self.tasks.store,
            "leases": self.leases,
            "jobs": self.jobs,
        }
        self._make = make
        self._open: list[Store] = []
        self._rows = Rows(self._stores)

    @classmethod
    def embedded(cls, path: Path, *, read_only: bool = False) -> Database:
        """Open the embedded database, one SQLite file."""

        def make(name: str) -> Store:
            key = ["uuid", "index"] if name == "jobs" else "key"
            return SQLiteStore(
                str(path),
                name,
                key=key,
                index_fields=INDEXES.get(name, ()),
                array_fields=ARRAYS.get(name, ()),
                column_fields=COLUMNS.get(name, ()),
                read_only=read_only,
            )

        return cls(make, str(path), path, read_only=read_only)

    @classmethod
    def mongodb(cls, uri: str, database: str, *, read_only: bool = False) -> Database:
        """Open a database on a MongoDB server.

        Parameters
        ----------
        uri : str
            May hold credentials; it goes to the driver alone, never into documents or messages.
        database : str
            Its name there.
        """

        def make(name: str) -> Store:
            # a server that is away is noticed in seconds; results wait on disk meanwhile
            patience = {} if "serverSelectionTimeoutMS" in uri else {"serverSelectionTimeoutMS": 5000}
            key = "uuid" if name == "jobs" else "key"
            return MongoStore(database, name, uri=uri, key=key, mongoclient_kwargs=patience)

        return cls(make, f"MongoDB database {database!r}", read_only=read_only)

    def __enter__(self) -> Database:
        """Connect, and make sure of the indexes.

        Raises
        ------
        StoreError
            If the database does not answer, or a newer atomsieve has written there.
        """
        try:
            if self.path is not None and not self.read_only:
                self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            for name, store in self._stores.items():
                store.connect()
                self._open.append(store)
                if self.read_only:
                    continue
                if name != "jobs":
                    ensure(store, name)
            refuse_newer(self.title, self.campaigns, self.methods)
            learn_stored(self.campaigns)
            self._find_renamed()
            if not self.read_only:
                self.jobs.ensure_index("uuid")
                self.jobs.ensure_index("index")
        except StoreError:
            self.close()
            raise
        except (*AWAY, ValueError) as error:
            self.close()
            raise unopened(self.title, error, is_file=self.path is not None) from error
        return self

    def _find_renamed(self) -> None:
        """Take over the collections of older versions; who only reads, reads them where they are."""
        for old, name in RENAMED.items():
            if not self.read_only:
                take_over(old, self._stores[name], self._make)
            elif (store := under_old_name(old, self._stores[name], self._make)) is not None:
                self._open.append(store)
                self._stores[name] = store
                setattr(self, name, store)

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        while self._open:
            self._open.pop().close()

    def ingest(
        self,
        documents: Sequence[Mapping[str, Any]],
        provenance: Provenance | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> None:
        """Store outcomes of calculations; a success is never replaced.

        What failed is kept in ``failures`` too, and marked as resolved there once there is a success, whoever comes
        first.

        Parameters
        ----------
        documents : sequence of mapping
            As ``Calculation.to_dict`` or ``Failure.to_dict`` gives them.
        provenance : Provenance, optional
            For whom they were calculated.
        labels : mapping of str to str, optional
            Labels of the sites by request key.
        """
        if not documents:
            return
        with self._writing():
            versioned = [{**document, "schema": SCHEMA_VERSION} for document in documents]
            put_outcomes(self.calculations, versioned, self._slim)
            put_failures(self.failures, self.sites, documents, provenance or Provenance(), labels or {})
            resolve(self.failures, self.calculations, documents)

    def known(self, keys: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Return the stored outcomes among these request keys."""
        with reported(self.title):
            return {
                document["key"]: self._whole(document)
                for wanted in chunks(keys)
                for document in self.calculations.query({"key": {"$in": wanted}})
            }

    def beginning_with(self, letters: str) -> list[dict[str, Any]]:
        """Return the stored outcomes whose request key begins with these letters."""
        with reported(self.title):
            return list(self.calculations.query({"key": {"$gte": letters, "$lt": f"{letters}g"}}))

    def push_sites(self, sites: Mapping[str, Callable[[], Mapping[str, Any]]], provenance: Provenance) -> None:
        """Store sites that are not there yet; those that are, gather campaigns and tags.

        Parameters
        ----------
        sites : mapping of str to callable
            What makes the document of a site, by the site's key; called only where it is not there.
        provenance : Provenance
            Who writes.
        """
        if sites:
            with self._writing():
                absent = gather(self.sites, sites, provenance.gathered)
                put_absent(self.sites, [validated("sites", sites[key]()) for key in sites if key in absent])

    def push(
        self,
        rows: Sequence[AdsorptionEnergy],
        potentials: Sequence[LimitingPotential],
        stabilities: Sequence[Stability] = (),
        provenance: Provenance | None = None,
    ) -> None:
        """Store rows, the limiting potentials that stand on them, and stabilities; what is there stays as it is.

        To what is there the campaign and its tags are added. Of several rows of a slot all but one are then marked
        superseded, and so is each limiting potential that stands on such a row. Marks follow from what is stored, so
        that a push that was cut short is made good by the next.
        """
        with self._writing():
            self._rows.push(rows, potentials, stabilities, provenance or Provenance())

    def push_jobs(self, documents: Sequence[Mapping[str, Any]]) -> None:
        """Store the outputs of jobflow jobs."""
        if documents:
            with self._writing():
                # references to the outputs of other jobs become plain data
                plain = [jsanitize(dict(document), strict=True, allow_bson=True) for document in documents]
                self.jobs.update([self._slim(document) for document in plain], key=["uuid", "index"])

    def outputs(self, uuids: Iterable[str]) -> dict[str, dict[int, Any]]:
        """Return the outputs of jobflow jobs, by uuid and index."""
        found: dict[str, dict[int, Any]] = {}
        with reported(self.title):
            for wanted in chunks(uuids):
                for document in self.jobs.query({"uuid": {"$in": wanted}}, ["uuid", "index", "output"]):
                    found.setdefault(document["uuid"], {})[document["index"]] = self._whole(document)["output"]
        return found

    @contextmanager
    def _writing(self) -> Iterator[None]:
        if self.read_only:
            raise StoreError(f"{self.title} was opened to be read only; nothing was written")
        with reported(self.title):
            yield

    def _slim(self, document: Mapping[str, Any]) -> dict[str, Any]:
        return dict(document) if self.blobs is None else self.blobs.slim(document)

    def _whole(self, document: Mapping[str, Any]) -> dict[str, Any]:
        return dict(document) if self.blobs is None else self.blobs.whole(document)

    def rows(self, policy_keys: Iterable[str]) -> dict[str, AdsorptionEnergy]:
        """Return the newest row under each policy key, by policy key."""
        with reported(self.title):
            found = newest(self.adsorption_energies, policy_keys)
        return {key: AdsorptionEnergy.from_dict(document) for key, document in found.items()}

    def known_stabilities(self, policy_keys: Iterable[str]) -> dict[str, Stability]:
        """Return the newest stability under each policy key, by policy key."""
        with reported(self.title):
            found = newest(self.stabilities, policy_keys)
        return {key: Stability.from_dict(document) for key, document in found.items()}

    def save_campaign(
        self, name: str, content: Mapping[str, Any], sites: int, provenance: Provenance | None = None
    ) -> None:
        """Keep a campaign's file under its name, with its number of sites; refuse one that redefines what is stored."""
        with self._writing():
            refuse_redefined(content, self.adsorption_energies, self.reaction_results)
            before = self.campaigns.query_one({"key": name}, ["begun"]) or {}
            document = campaign_document(name, content, sites, provenance or Provenance(), before.get("begun"))
            self._save(self._slim(validated("campaigns", document)))

    def save_stage(self, name: str, stage: str, **numbers: int) -> None:
        """Keep with a campaign how many sites entered a stage, or passed it."""
        with self._writing():
            document = self.campaigns.query_one({"key": name})
            if document is not None:
                known = document.get("stages", {})
                stages = {**known, stage: {**known.get(stage, {}), **numbers}}
                self._save({**document, "stages": stages})

    def _save(self, campaign: Mapping[str, Any]) -> None:
        now = utc_now()
        self.campaigns.update([{**campaign, self.campaigns.last_updated_field: now}], key="key")

    def campaign(self, name: str) -> dict[str, Any] | None:
        """Return a campaign's file as it was last run, or None."""
        with reported(self.title):
            document = self.campaigns.query_one({"key": name})
        content: dict[str, Any] | None = self._whole(document)["campaign"] if document else None
        return content

    def lease(self, name: str) -> Lease:
        """Return a lease, not yet taken; only a server has leases."""
        return Lease(self.leases, name, self.title)

    def campaign_names(self) -> list[str]:
        """Return the names of all campaigns."""
        return sorted(str(document["name"]) for document in self.campaigns.query({}, ["name"]))
