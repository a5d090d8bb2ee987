"""The doctor finds what works and what does not, by trying it in processes of their own, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from atomsieve.structures.errors import InputError
from atomsieve.workflows import doctor, probe
from atomsieve.workflows.calculators import CALCULATORS
from atomsieve.workflows.doctor import Finding, examine

Cli = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Put a module of this name before any other, for the processes that are started."""

    def make(name: str, text: str) -> None:
        (tmp_path / "fakes" / name).mkdir(parents=True)
        (tmp_path / "fakes" / name / "__init__.py").write_text(text, encoding="utf-8")
        monkeypatch.setenv("PYTHONPATH", str(tmp_path / "fakes"))

    return make


def one(found: list[Finding], name: str) -> Finding:
    (finding,) = [finding for finding in found if finding.name == name]
    return finding


def test_quick_lists_every_calculator_and_how_to_mend_it(cli: Cli, tmp_path: Path) -> None:
    result = cli("doctor", "--quick", "--json", cwd=Path.cwd())
    assert result.returncode == 0, result.stdout + result.stderr
    report = json.loads(result.stdout)
    assert report["works"] is True
    assert [entry["name"] for entry in report["calculators"]] == list(CALCULATORS)
    for entry in report["calculators"]:
        is_there = not CALCULATORS[entry["name"]].requirement.missing() and entry["name"] not in ("mace", "fairchem")
        assert entry["state"] == ("there" if is_there else "missing"), entry
        assert bool(entry["mend"]) is not is_there
        assert entry["required"] is (entry["name"] in doctor.PLAIN)
    assert [entry["name"] for entry in report["scheduler"]] == ["sbatch", "qsub"]
    assert list(Path.cwd().iterdir()) == []


def test_every_calculator_that_is_not_plain_says_how_to_get_it() -> None:
    assert set(doctor.PLAIN) <= set(CALCULATORS)
    for name, entry in CALCULATORS.items():
        if name not in doctor.PLAIN:
            assert entry.requirement.mend, name
            assert entry.requirement.modules or entry.requirement.programs or entry.requirement.environment, name


@pytest.mark.slow
def test_plain_calculators_calculate(cli: Cli) -> None:
    from tblite.interface import Calculator

    result = cli("doctor", "mock", "gfn1-xtb", "--json", cwd=Path.cwd())
    assert result.returncode == 0, result.stdout + result.stderr
    found = {entry["name"]: entry for entry in json.loads(result.stdout)["calculators"]}
    assert {entry["state"] for entry in found.values()} == {"works"}
    # the same molecule through tblite's own interface, in atomic units
    from atomsieve.structures.molecule import molecule

    atoms = molecule(probe.MOLECULE).atoms
    single = Calculator("GFN1-xTB", atoms.numbers, atoms.positions / 0.529177210903)
    single.set("verbosity", 0)
    energy = single.singlepoint().get("energy") * 27.211386245988
    assert found["gfn1-xtb"]["text"].startswith(f"H2: {energy:.3f} eV in ")


def test_the_table_names_what_hurts(cli: Cli, fake: Callable[[str, str], None]) -> None:
    fake("tblite", "raise ImportError('libgfortran.so.5 is not there')")
    result = cli("doctor", "gfn1-xtb", "mock", cwd=Path.cwd())
    assert result.returncode == 1
    assert "ImportError: libgfortran.so.5 is not there" in result.stdout
    assert "pip install tblite" in result.stdout
    assert result.stdout.splitlines()[-1] == "required, and not working: gfn1-xtb (broken)"


def test_a_calculator_that_nobody_asked_for_may_be_broken(
    fake: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake("tblite", "raise ImportError('broken')")
    monkeypatch.setattr(doctor, "PLAIN", ("mock",))
    monkeypatch.setattr(doctor, "CALCULATORS", {name: CALCULATORS[name] for name in ("mock", "gfn2-xtb")})
    found = examine()
    assert one(found, "gfn2-xtb").state == "broken"
    assert not any(finding.hurts for finding in found)
    assert any(finding.hurts for finding in examine(["gfn2-xtb"]))


def test_one_that_crashes_is_told_by_its_signal(fake: Callable[[str, str], None]) -> None:
    fake("tblite", "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)")
    works, text = probe.probe("gfn1-xtb", 60)
    assert not works
    assert "signal 11" in text


@pytest.mark.slow
def test_one_that_hangs_is_killed_with_all_that_it_started(fake: Callable[[str, str], None], tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    fake(
        "tblite",
        "import os, subprocess, time\nfrom pathlib import Path\n"
        "child = subprocess.Popen(['sleep', '600'])\n"
        f"Path({str(tmp_path / 'partial')!r}).write_text(f'{{os.getpid()}} {{child.pid}}')\n"
        f"os.rename({str(tmp_path / 'partial')!r}, {str(pids)!r})\n"
        "time.sleep(600)",
    )
    clock, patience = time.monotonic(), 15.0
    works, text = probe.probe("gfn1-xtb", patience)
    assert not works
    assert text == "no answer in 15 s"
    assert time.monotonic() - clock < patience + 10
    assert pids.exists(), "the machine was too slow to start a process within the time"
    for pid in pids.read_text().split():
        assert _is_gone(int(pid)), pid


def _is_gone(pid: int) -> bool:
    """Return whether a process has ended, be it as a zombie that nobody has collected."""
    for _ in range(100):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


def test_the_embedded_database_is_tried_where_it_will_lie(monkeypatch: pytest.MonkeyPatch) -> None:
    finding = one(examine(["mock"], quick=True), "embedded")
    assert finding.state == "works"
    assert str(Path.cwd() / "atomsieve-data" / "atomsieve.sqlite") in finding.text
    assert list(Path.cwd().iterdir()) == []

    Path("file").write_text("no folder")
    monkeypatch.setenv("ATOMSIEVE_FOLDER", "file/below")
    finding = one(examine(["mock"], quick=True), "embedded")
    assert finding.hurts
    assert "ATOMSIEVE_FOLDER" in finding.mend

    Path("atomsieve-data").mkdir()
    Path("atomsieve-data/atomsieve.sqlite").write_text("this is no database, but a letter to whoever reads it" * 20)
    monkeypatch.delenv("ATOMSIEVE_FOLDER")
    finding = one(examine(["mock"], quick=True), "embedded")
    assert finding.hurts
    assert "atomsieve.sqlite" in finding.text


def test_a_server_is_asked_where_one_is_named(mongo: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    uri, database = mongo
    monkeypatch.setenv("ATOMSIEVE_MONGODB_URI", uri)
    monkeypatch.setenv("ATOMSIEVE_MONGODB_DATABASE", database)
    found = examine(["mock"], quick=True)
    assert one(found, "mongodb").state == "works"
    assert one(found, "ATOMSIEVE_MONGODB_URI").text == "**********"

    monkeypatch.setenv("ATOMSIEVE_MONGODB_URI", "mongodb://somebody:secret@127.0.0.1:9/")
    found = examine(["mock"], quick=True)
    assert one(found, "mongodb").hurts
    assert "docker compose up" in one(found, "mongodb").mend
    assert "secret" not in "".join(str(finding) for finding in found)


def test_settings_that_are_wrong_or_mean_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATOMSIEVE_WORKER", "3")
    found = examine(["mock"], quick=True)
    assert one(found, "ATOMSIEVE_WORKER").state == "ignored"
    assert "did you mean 'ATOMSIEVE_WORKERS'" in one(found, "ATOMSIEVE_WORKER").text
    assert not any(finding.hurts for finding in found)

    monkeypatch.setenv("ATOMSIEVE_WORKERS", "0")
    (finding,) = [finding for finding in examine(["mock"], quick=True) if finding.hurts]
    assert finding.section == "settings"
    assert "ATOMSIEVE_WORKERS" in finding.text


def test_schedulers_are_looked_for_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "bin" / "sbatch"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    found = examine(["mock"], quick=True)
    assert one(found, "sbatch").state == "there"
    assert str(program) in one(found, "sbatch").text
    assert one(found, "qsub").state == "missing"
    assert not one(found, "qsub").hurts


def test_a_calculator_that_there_is_not() -> None:
    with pytest.raises(InputError, match="did you mean 'chgnet'"):
        examine(["chgnett"])


@pytest.mark.parametrize("name", ["mace", "fairchem"])
def test_weights_that_are_not_named_are_told_how_to_get(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if find_spec(name) is None:
        finding = one(examine([name], quick=True), name)
        assert finding.hurts
        assert finding.mend == f"pip install 'atomsieve[{name}]'"
    # as if the package were there
    monkeypatch.setattr("atomsieve.workflows.order.find_spec", lambda module: object())
    finding = one(examine([name], quick=True), name)
    assert finding.hurts
    assert f"ATOMSIEVE_{name.upper()}_WEIGHTS" in finding.mend

    Path("weights").write_bytes(b"weights")
    monkeypatch.setenv(f"ATOMSIEVE_{name.upper()}_WEIGHTS", str(Path("weights").absolute()))
    assert one(examine([name], quick=True), name).state == "there"


def test_the_process_has_one_thread(fake: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    fake("tblite", "import os\nraise ImportError('threads: ' + os.environ['OMP_NUM_THREADS'])")
    assert probe.probe("gfn1-xtb", 60) == (False, "ImportError: threads: 1")
    assert os.environ["OMP_NUM_THREADS"] == "8"
