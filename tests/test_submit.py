"""The commands of the cluster tutorial: on a real Slurm where there is one, with the same results as here."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from .processes import started

pytestmark = [pytest.mark.slow, pytest.mark.mongo]

ROOT = Path(__file__).resolve().parent.parent
Cli = Callable[..., subprocess.CompletedProcess[str]]

PAGE = (ROOT / "docs" / "tutorials" / "cluster.md").read_text(encoding="utf-8")
CAMPAIGN = """\
name: mine
sites:
  - {family: graphene, metals: Fe, coordination: N4}
reactions: [HER]
method: {calculator: mock}
"""


def commands(text: str) -> list[list[str]]:
    """Return the commands of a page's console blocks, with the name of the program first."""
    lines = [line for block in re.findall(r"^```console\n(.*?)^```", text, re.M | re.S) for line in block.splitlines()]
    return [shlex.split(line[2:], comments=True) for line in lines if line.startswith("$ ")]


def smaller() -> str:
    """Return the tutorial's campaign with fewer sites and without its pauses: the same commands, less to wait for."""
    text = next(found for found in re.findall(r"^```yaml\n(.*?)^```", PAGE, re.M | re.S) if "name: trial" in found)
    for long, short in (("[Fe, Co, Ni, Tc]", "[Fe, Tc]"), ("[ORR, HER]", "[HER]"), ("0.2", "0.0")):
        assert long in text
        text = text.replace(long, short)
    return text


def scheduler(request: pytest.FixtureRequest) -> str:
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    if any(shutil.which(name, path=path) is None for name in ("slurmctld", "slurmd", "munged", "sbatch")):
        return "none"
    request.getfixturevalue("slurm")
    return "slurm"


def described(path: Path, scheduler: str, folder: Path, secrets: Path) -> None:
    """Make of the file that was written one for this machine, as a person would."""
    worker = yaml.safe_load(path.read_text(encoding="utf-8"))
    own = {"cores": 2, "workers": 2, "jobs": 1, "idle": 5, "walltime": 600, "margin": 30}
    worker |= {"scheduler": scheduler, "folder": str(folder), "secrets": str(secrets), "kinds": {"cheap": own}}
    path.write_text(yaml.safe_dump(worker), encoding="utf-8")


def test_the_commands_for_a_cluster_run(
    mongo: tuple[str, str], cli: Cli, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    # a database of its own: in that of other tests some of it is known
    name = f"{mongo[1]}_submit"
    (tmp_path / "trial.yaml").write_text(smaller(), encoding="utf-8")
    (tmp_path / "scratch").mkdir()
    secrets = tmp_path / "secrets.sh"
    secrets.touch(mode=0o600)
    secrets.write_text(
        f"ATOMSIEVE_MONGODB_URI={shlex.quote(mongo[0])}\nATOMSIEVE_MONGODB_DATABASE={name}\n", encoding="utf-8"
    )
    environment = {
        "ATOMSIEVE_MONGODB_URI": mongo[0],
        "ATOMSIEVE_MONGODB_DATABASE": name,
        "ATOMSIEVE_WORKERS_FOLDER": str(tmp_path / "workers"),
    }
    listed = [words[1:] for words in commands(PAGE) if words[0] == "atomsieve" and "jobflow-remote" not in words]
    assert [command[0] for command in listed] == [
        *("new", "doctor", "submit", "status", "recover", "retry", "recover", "status", "failures", "retry", "results")
    ]
    for command in listed:
        if "--watch" in command and command[0] == "status":
            watched = _watch(command, tmp_path, environment)
            assert re.search(r"sites [012]/2; ", watched), watched
            continue
        # the page stops an allocation; here none was
        if "cancelled" in command:
            command = [*command, "--dry-run"]
        result = cli(*command, cwd=tmp_path, **environment)
        assert result.returncode == 0, f"{command}\n{result.stdout}{result.stderr}"
        if command[0] == "new":
            described(tmp_path / "workers" / "mycluster.yaml", scheduler(request), tmp_path / "scratch", secrets)
        if command[0] == "submit":
            assert "3 flows handed over now" in result.stdout
            again = cli(*command, cwd=tmp_path, **environment)
            assert "0 flows handed over now" in again.stdout
        if command[0] == "recover" and "--watch" in command:
            assert "the campaign is complete" in result.stdout
        if command[0] == "failures":
            # Tc never converges with the mock
            assert "atomsieve retry trial --cause steps" in result.stdout
        if "steps" in command:
            assert "to retry; nothing was done" in result.stdout

    there = json.loads(cli("results", "trial", "--json", cwd=tmp_path, **environment).stdout)
    (tmp_path / "here").mkdir()
    assert cli("run", "../trial.yaml", cwd=tmp_path / "here").returncode == 0
    assert there == json.loads(cli("results", "trial", "--json", cwd=tmp_path / "here").stdout)
    # whoever asks again has nothing handed over
    done = json.loads(cli(*listed[2], "--json", cwd=tmp_path, **environment).stdout)
    assert (done["added"], done["active"], done["sites"]) == (0, 0, 2)


def test_the_readme_shows_commands_of_the_tutorial() -> None:
    shown = [words for words in commands((ROOT / "README.md").read_text(encoding="utf-8")) if "mine.yaml" not in words]
    assert shown
    assert [words for words in shown if words not in commands(PAGE)] == []


def _watch(command: list[str], folder: Path, environment: dict[str, str]) -> str:
    process = started(*command, cwd=folder, **environment)
    assert process.stdout is not None
    first = process.stdout.readline()
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    return first


def test_a_campaign_that_runs_here_is_no_clusters_business(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(CAMPAIGN, encoding="utf-8")
    result = cli("recover", "mine.yaml", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "goes on with: atomsieve run mine.yaml" in result.stdout


def test_a_cluster_and_a_database_that_is_a_file_do_not_go_together(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(CAMPAIGN, encoding="utf-8")
    result = cli("submit", "mine.yaml", "--engine", "fireworks", "--worker", "mycluster", cwd=tmp_path)
    assert result.returncode == 2
    assert "set ATOMSIEVE_MONGODB_URI" in result.stderr
    assert not (tmp_path / "atomsieve-data" / "results").exists()
