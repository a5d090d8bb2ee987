"""Flow files: another manager of jobflow takes the same Flow and comes to the same keys and energies."""

from __future__ import annotations

import json
import subprocess
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jobflow import Flow, JobStore, run_locally
from maggma.stores import MemoryStore
from monty.json import MontyDecoder

from atomsieve.structures.errors import UnknownNameError
from atomsieve.workflows.campaigns import load
from atomsieve.workflows.flowfile import write_flow
from atomsieve.workflows.settings import Settings

# jobflow's own runner changes folders through a helper that monty has deprecated
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore:Some jobs are not connected")

Cli = Callable[..., subprocess.CompletedProcess[str]]

CAMPAIGN = """\
name: taken
sites:
  - {family: graphene, metals: [Fe, Tc], coordination: N4}
reactions: [HER]
method: {calculator: mock}
relaxation: {max_steps: 60}
poses: {most: 1}
"""


def outcomes(folder: Path) -> dict[str, tuple[str, float | None]]:
    found = [json.loads(path.read_text()) for path in (folder / "results").rglob("*.json")]
    return {entry["key"]: (entry["status"], entry.get("energy")) for entry in found if "status" in entry}


@pytest.mark.slow
def test_jobflow_itself_comes_to_the_same_keys_and_energies(tmp_path: Path, cli: Cli, monkeypatch: Any) -> None:
    (tmp_path / "c.yaml").write_text(CAMPAIGN, encoding="utf-8")
    written = cli("flow", "c.yaml", "--output", "flow.json", cwd=tmp_path)
    assert written.returncode == 0, written.stderr
    assert "2 sites and 1 gases" in written.stdout
    assert cli("run", "c.yaml", cwd=tmp_path, ATOMSIEVE_FOLDER=str(tmp_path / "ours")).returncode == 0

    text = (tmp_path / "flow.json").read_text(encoding="utf-8")
    flow = MontyDecoder().process_decoded(json.loads(text))
    assert isinstance(flow, Flow)
    assert flow.name == "taken"
    assert [inner.name for inner in flow.jobs] == ["H2", "Fe-N4@graphene-4x4", "Tc-N4@graphene-4x4"]
    assert flow.all_uuids == Flow.from_dict(json.loads(text)).all_uuids
    monkeypatch.setenv("ATOMSIEVE_FOLDER", str(tmp_path / "theirs"))
    (tmp_path / "runs").mkdir()
    store = JobStore(MemoryStore())
    run_locally(flow, store=store, log=False, ensure_success=True, root_dir=tmp_path / "runs")
    assert outcomes(tmp_path / "theirs") == outcomes(tmp_path / "ours")
    assert {status for status, _ in outcomes(tmp_path / "theirs").values()} == {"done", "failed"}

    # and what they left is taken in
    again = cli("run", "c.yaml", cwd=tmp_path, ATOMSIEVE_FOLDER=str(tmp_path / "theirs"))
    assert "0 calculations done" in again.stdout


def test_one_site_may_be_named(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(CAMPAIGN, encoding="utf-8")
    checked = load(tmp_path / "c.yaml", Settings(folder=tmp_path))
    write_flow(checked, tmp_path / "one.json", "Tc-N4@graphene-4x4")
    found = Flow.from_dict(json.loads((tmp_path / "one.json").read_text()))
    assert [inner.name for inner in found.jobs] == ["H2", "Tc-N4@graphene-4x4"]
    with pytest.raises(UnknownNameError, match="unknown site 'Tc-N4'"):
        write_flow(checked, tmp_path / "none.json", "Tc-N4")
    assert not list(tmp_path.glob("none.json*"))


def test_memory_stays_flat(tmp_path: Path) -> None:
    peaks = []
    for size, metals in enumerate(("[Fe, Co]", "[Fe, Co, Ni, Cu, Zn, Mn, Cr, V, Ti, Sc, Ru, Rh, Pd, Ag]")):
        (tmp_path / "c.yaml").write_text(CAMPAIGN.replace("[Fe, Tc]", metals), encoding="utf-8")
        checked = load(tmp_path / "c.yaml", Settings(folder=tmp_path))
        path = tmp_path / f"{size}.json"
        write_flow(checked, path)  # caches are filled
        tracemalloc.start()
        write_flow(checked, path)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert (tmp_path / "1.json").stat().st_size > 5 * (tmp_path / "0.json").stat().st_size
    assert peaks[1] < 1.5 * peaks[0]
