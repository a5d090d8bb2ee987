"""Flows: the chemistry of a site as jobflow sees it, on whichever engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from jobflow import JobStore, run_locally
from jobflow.core.flow import get_flow
from maggma.stores import MemoryStore

from atomsieve.analysis.store import SQLiteStore
from atomsieve.builders import catalog
from atomsieve.structures.reference import lowest
from atomsieve.workflows.calculators import calculator
from atomsieve.workflows.flowrun import decode, encode
from atomsieve.workflows.flows import SiteFlowMaker, gas_flow
from atomsieve.workflows.folder import Folder
from atomsieve.workflows.jobs import RelaxMaker, place_adsorbates
from atomsieve.workflows.local import LocalEngine
from atomsieve.workflows.requests import Policy

# jobflow's own runner changes folders through a helper that monty has deprecated
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")

ADSORBATES = ("OH", "O")


def maker() -> SiteFlowMaker:
    policy = Policy(calculator("mock").method({}), 0.05, clean=2, most=1)
    numerics = {"max_steps": 100, "optimizer": "BFGS", "seconds_per_force_call": 0.0}
    return SiteFlowMaker(policy, ADSORBATES, RelaxMaker(numerics={policy.method.key: numerics}))


def site(metal: str) -> Any:
    (recipe,) = catalog.recipes({"family": "graphene", "metals": metal})
    return catalog.build(recipe)


def keys(output: Any) -> dict[str, list[str]]:
    groups = {"clean": output["clean"], **output["adsorbed"]}
    return {name: sorted(entry["key"] for entry in group) for name, group in groups.items()}


def test_jobflow_runs_the_same_flow_with_the_same_keys_and_energies(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("ATOMSIEVE_FOLDER", str(tmp_path / "theirs"))
    monkeypatch.chdir(tmp_path)
    store = JobStore(SQLiteStore(str(tmp_path / "jobs.sqlite"), "jobs", key=["uuid", "index"]))
    store.connect()
    flow = maker().make(site("Ni"))
    run_locally(flow, store=store, log=False, ensure_success=True)
    theirs = store.get_output(flow.output.uuid)
    store.close()

    (run,) = LocalEngine(Folder(tmp_path / "ours"), 2).run([(None, maker().make(site("Ni")))])
    assert run.errors == {}
    assert keys(run.output) == keys(theirs)
    for name in ADSORBATES:
        ours, other = lowest(run.output["adsorbed"][name]), lowest(theirs["adsorbed"][name])
        assert ours is not None
        assert other is not None
        assert ours["energy"] == other["energy"]


def test_poses_stand_on_the_lowest_clean_site_and_refer_to_nothing_outside(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("ATOMSIEVE_FOLDER", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    made = maker()
    flow = made.make(site("Fe"))
    store = JobStore(MemoryStore())
    store.connect()
    clean = []
    for job in list(flow)[:-1]:
        job.run(store)
        clean.append(store.get_output(job.uuid))
    parent = lowest(clean)
    assert parent is not None
    response = place_adsorbates.original(
        made.relax, made.policy.to_dict(), site("Fe").to_dict(), list(ADSORBATES), clean
    )
    # raises where a job refers to one outside, which other engines cannot resolve
    replacement = get_flow(response.replace)
    requests = [job.function_args[0] for job, _ in replacement.iterflow() if "key" in job.metadata]
    assert requests
    assert {tuple(request["parents"]) for request in requests} == {(parent["key"],)}
    # OH flips the parity, O does not; both stay next to the parent's multiplicity
    spins = {
        name: sorted(r["multiplicity"] for r in requests if r["subject"]["adsorbate"] == name) for name in ADSORBATES
    }
    assert parent["multiplicity"] == 3
    assert spins == {"OH": [2, 4], "O": [1, 3, 5]}


def test_a_site_that_loses_its_metal_gets_no_adsorbates() -> None:
    lost = {"key": "k", "status": "done", "energy": 0.0, "verdict": "metal left its site", "multiplicity": 1}
    made = maker()
    response = place_adsorbates.original(
        made.relax, made.policy.to_dict(), site("Fe").to_dict(), list(ADSORBATES), [lost]
    )
    assert response.replace is None
    assert response.output == {"clean": [lost], "adsorbed": {"OH": [], "O": []}}


def test_jobs_survive_the_way_to_a_worker() -> None:
    flow = gas_flow(maker().policy, maker().relax, "H2O")
    job, _ = flow
    again = decode(encode(job))
    assert tuple(again.function_args) == tuple(job.function_args)
    assert again.metadata == job.metadata
    policy = maker().policy
    assert Policy.from_dict(policy.to_dict()) == policy
