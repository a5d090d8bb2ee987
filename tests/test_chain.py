"""The chain of a site: ladders, checkpoints, pre-relaxation, single points."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from ase.calculators.calculator import CalculationFailed, Calculator, all_changes
from ase.calculators.emt import EMT

from atomsieve.structures.calculation import Calculation, Failure, Request, outcome_from_dict
from atomsieve.structures.errors import FailureClass
from atomsieve.structures.judgement import Judgement, Verdict
from atomsieve.structures.method import Method
from atomsieve.workflows import calculators
from atomsieve.workflows.attempts import CHECKPOINT, Course
from atomsieve.workflows.calculators import CALCULATORS, Setting, calculator
from atomsieve.workflows.folder import Folder
from atomsieve.workflows.order import Order
from atomsieve.workflows.relaxation import settle

NUMERICS = {"max_steps": 50, "optimizer": "BFGS"}


def judge(relaxed: Atoms) -> Judgement:
    return Judgement(Verdict.INTACT, "not looked at", {})


class _Stubborn(EMT):  # type: ignore[misc]
    """EMT whose self-consistent field converges only where the mixer is slow enough, once it is off its start."""

    def __init__(self, mixing: float, evaluations: list[float]) -> None:
        super().__init__()
        self.mixing = mixing
        self.evaluations = evaluations

    def calculate(self, atoms: Any = None, properties: Any = None, system_changes: Any = all_changes) -> None:
        self.evaluations.append(self.mixing)
        if self.mixing > 0.15 and len(self.evaluations) > 3:
            raise CalculationFailed("SCF not converged")
        super().calculate(atoms, properties, system_changes)


@pytest.fixture
def evaluations(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    seen: list[float] = []

    def make(order: Order, atoms: Atoms) -> Calculator:
        del atoms
        return _Stubborn(order.settings["mixing"], seen)

    settings = {"mixing": Setting(0.4, "of the SCF", 0.0, 1.0, is_physics=False)}
    entry = replace(calculator("emt"), name="stubborn", calculator=make, settings=settings)
    table: Mapping[str, Any] = {**CALCULATORS, "stubborn": entry}
    monkeypatch.setattr(calculators, "CALCULATORS", table)
    return seen


def request(name: str) -> Request:
    return Request("molecule", {"molecule": "test"}, Method(name, {}, "mock"), 0.02)


def methanol() -> Atoms:
    start = molecule("CH3OH")
    start.rattle(0.1, seed=3)
    return start


def test_an_scf_that_fails_goes_on_with_the_next_rung_from_the_last_geometry(
    tmp_path: Path, evaluations: list[float]
) -> None:
    ladder = {"scf": [{"mixing": 0.2}, {"mixing": 0.1}], "geometry": []}
    numerics = {**NUMERICS, "max_steps": 300, "mixing": 0.4, "ladder": ladder}
    outcome = outcome_from_dict(settle(request("stubborn"), methanol(), judge, numerics, Folder(tmp_path)))
    assert isinstance(outcome, Calculation)
    attempts = outcome.provenance["attempts"]
    assert [attempt["changes"] for attempt in attempts] == [{}, {"mixing": 0.2}, {"mixing": 0.1}]
    assert [attempt["failure_class"] for attempt in attempts] == [FailureClass.OTHER_SETTINGS] * 2 + [None]
    assert [attempt["force_calls"] for attempt in attempts[:2]] == [3, 0]
    assert outcome.force_calls == sum(attempt["force_calls"] for attempt in attempts)
    assert outcome.max_force <= 0.02
    assert evaluations[:5] == [0.4, 0.4, 0.4, 0.4, 0.2]
    assert set(evaluations[5:]) == {0.1}


def test_a_ladder_ends(tmp_path: Path, evaluations: list[float]) -> None:
    numerics = {**NUMERICS, "mixing": 0.4, "ladder": {"scf": [{"mixing": 0.3}], "geometry": [{"optimizer": "FIRE"}]}}
    folder = Folder(tmp_path)
    outcome = outcome_from_dict(settle(request("stubborn"), methanol(), judge, numerics, folder))
    assert isinstance(outcome, Failure)
    assert outcome.failure_class is FailureClass.OTHER_SETTINGS
    assert len(outcome.provenance["attempts"]) == 2
    assert outcome.atoms is not None
    count = len(evaluations)
    # it stands, until a ladder has another rung
    assert settle(request("stubborn"), methanol(), judge, numerics, folder)["status"] == "failed"
    assert len(evaluations) == count
    longer = {**numerics, "ladder": {"scf": [{"mixing": 0.3}, {"mixing": 0.1}], "geometry": []}, "max_steps": 300}
    assert settle(request("stubborn"), methanol(), judge, longer, folder)["status"] == "done"


def test_a_geometry_that_runs_out_of_steps_goes_on_with_another_optimiser(tmp_path: Path) -> None:
    asked = Request("molecule", {"molecule": "test"}, Method("emt", {}, "mock"), 0.02)
    ladder = {"scf": [], "geometry": [{"optimizer": "FIRE", "max_steps": 400}]}
    numerics = {**NUMERICS, "max_steps": 3, "ladder": ladder}
    outcome = outcome_from_dict(settle(asked, methanol(), judge, numerics, Folder(tmp_path)))
    assert isinstance(outcome, Calculation)
    first, second = outcome.provenance["attempts"]
    assert first["failure_class"] == FailureClass.CONTINUE
    assert first["force_calls"] == 4
    assert first["max_force"] > 0.02 >= second["max_force"]
    assert second["changes"] == {"optimizer": "FIRE", "max_steps": 400}


def slow_request() -> Request:
    return Request("clean", {"a": 1}, calculator("mock").method({}), 0.001, multiplicity=1)


def test_a_relaxation_that_was_killed_goes_on_where_it_was(tmp_path: Path) -> None:
    """A real process, killed while it relaxes; the next one starts from the geometry that it left."""
    numerics = {**NUMERICS, "max_steps": 500, "seconds_per_force_call": 0.05}
    program = (
        "import sys\n"
        "from ase.build import molecule\n"
        "from atomsieve.structures.calculation import Request\n"
        "from atomsieve.structures.judgement import Judgement, Verdict\n"
        "from atomsieve.workflows import attempts\n"
        "from atomsieve.workflows.calculators import calculator\n"
        "from atomsieve.workflows.folder import Folder\n"
        "from atomsieve.workflows.relaxation import settle\n"
        "attempts.EVERY = 0.0\n"
        "start = molecule('CH3OH')\n"
        "start.rattle(0.15, seed=5)\n"
        "asked = Request('clean', {'a': 1}, calculator('mock').method({}), 0.001, multiplicity=1)\n"
        f"settle(asked, start, lambda a: Judgement(Verdict.INTACT, '', {{}}), {numerics!r}, Folder(sys.argv[1]))\n"
    )
    asked, folder = slow_request(), Folder(tmp_path)
    checkpoint = folder.directory(asked.key) / CHECKPOINT
    process = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)])
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if checkpoint.exists() and json.loads(checkpoint.read_text())["attempts"][0]["force_calls"] >= 5:
            break
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    left = json.loads(checkpoint.read_text())
    assert folder.read(asked.key) is None
    start = molecule("CH3OH")
    start.rattle(0.15, seed=5)
    fast = {**numerics, "seconds_per_force_call": 0.0}
    done = settle(asked, start, judge, fast, folder)
    assert done["status"] == "done"
    assert done["force_calls"] > left["attempts"][0]["force_calls"]
    assert not checkpoint.exists()
    whole = settle(asked, start, judge, fast, Folder(tmp_path / "other"))
    assert done["energy"] == pytest.approx(whole["energy"], abs=1e-3)
    # what was done before the kill was not done again
    again = done["force_calls"] - left["attempts"][0]["force_calls"]
    assert again < whole["force_calls"]


def test_a_checkpoint_that_was_cut_short_is_as_good_as_none(tmp_path: Path) -> None:
    (tmp_path / CHECKPOINT).write_text('{"attempts": [{"chan', encoding="utf-8")
    course = Course.resume(tmp_path)
    assert course.positions is None
    assert len(course.attempts) == 1
    assert np.isclose(course.force_calls, 0)
