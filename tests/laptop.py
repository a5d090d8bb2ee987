"""A laptop's run for the tests that move it about: a sieve with stability, a campaign that shares it, and old runs."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pymongo
import pytest
import yaml
from ase.io import write

from atomsieve.analysis.database import Database
from atomsieve.analysis.merging import COPIED, documents_of
from atomsieve.analysis.opening import open_where
from atomsieve.workflows.campaigns import load
from atomsieve.workflows.ingest import command
from atomsieve.workflows.runner import Runner
from atomsieve.workflows.settings import Settings
from atomsieve.workflows.watch import Watch

from .test_ingest import CLEAN, GASES, PBE, STATES, fe_n4, posed, with_energy

#: The hole left by the metal does not converge, and OH* does not stay on Hg.
SIEVE = """\
name: sieve
tags: [grant-7]
sites: [{family: graphene, metals: [Fe, Hg], supercell: 3x3}]
reactions: [HER]
adsorbates: [OH]
poses: {most: 1}
spin: {clean: 1}
relaxation: {max_steps: 100}
stability: {aggregation: false}
stages:
  - {name: screen, method: {calculator: mock}, adsorbates: [OH], keep: top 1 by lowest free energy of OH}
  - {name: refine, method: {calculator: mock}, relaxation: {fmax: 0.03}}
"""
SHARED = """\
name: shared
tags: [talk]
sites: [{family: graphene, metals: [Fe], supercell: 3x3}]
adsorbates: [OH]
method: {calculator: mock}
poses: {most: 1}
spin: {clean: 1}
relaxation: {max_steps: 100}
"""


def fill(folder: Path) -> Path:
    """Run and ingest everything in a folder; return where its database lies."""
    data = folder / "data"
    for name, text in (("sieve", SIEVE), ("shared", SHARED)):
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
        checked = load(folder / f"{name}.yaml", Settings(folder=data))
        with Database.embedded(checked.folder.database) as database:
            Runner(checked, database, 2, Watch()).run()
    frames = [with_energy(fe_n4().atoms, CLEAN), *(with_energy(atoms, energy) for atoms, energy in GASES.values())]
    frames += [with_energy(posed(name), energy) for name, energy in STATES.items()]
    frames.append(with_energy(posed("OH"), -299.0, strongest=1.3))
    write(folder / "runs.xyz", frames, format="extxyz")
    lines = ["site,adsorbate,gas,energy,uncertainty", ",,H2,-6.77,", "A,,,-100.0,", "A,H,,-103.2,0.05"]
    (folder / "table.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "mapping.yaml").write_text(yaml.safe_dump({**PBE, "sites": {"A": {"metals": ["Fe"]}}}), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ATOMSIEVE_FOLDER", str(data))
        for name in ("runs.xyz", "table.csv"):
            assert command.ingest("old", [folder / name], folder / "mapping.yaml", [], as_json=False, is_dry=False) == 0
    return data


@contextmanager
def server_place(mongo: tuple[str, str]) -> Iterator[str]:
    """Give the URI of an empty database on a server, which is dropped afterwards."""
    base, _, options = mongo[0].partition("/?")
    name = f"atomsieve_{uuid.uuid4().hex[:12]}"
    yield f"{base}/{name}?{options}"
    with pymongo.MongoClient(mongo[0]) as client:
        client.drop_database(name)


def state(where: str | Path) -> dict[str, dict[str, Any]]:
    """Return all documents of a database that are copied, by collection and key."""
    with open_where(where) as database:
        return {name: {one["key"]: one for one in documents_of(database, name)} for name in COPIED}


def said(documents: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the same without who wrote it when, the names that it gathered in no order."""
    found: dict[str, dict[str, Any]] = {}
    for name, group in documents.items():
        found[name] = {}
        for key, one in group.items():
            lists = {field: sorted(one[field]) for field in ("campaigns", "tags") if field in one}
            kept = {field: value for field, value in one.items() if field not in ("last_updated", "provenance")}
            found[name][key] = {**kept, **lists}
    return found
