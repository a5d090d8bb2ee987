"""Credentials get nowhere, what is written is the user's alone, and nothing that is stored is run."""

from __future__ import annotations

import json
import os
import secrets
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pymongo
import pytest

from atomsieve.structures.errors import UntrustedError
from atomsieve.workflows.flowrun import decode_trusted

Cli = Callable[..., subprocess.CompletedProcess[str]]
CAMPAIGN = """\
name: secretive
sites:
  - {family: graphene, metals: [Fe, Tc], coordination: N4}
reactions: [HER]
method: {calculator: mock, settings: {seconds_per_force_call: 0.01}}
relaxation: {max_steps: 12, ladder: false}
poses: {most: 1}
"""


@pytest.fixture(scope="module")
def planted(mongo: tuple[str, str]) -> Iterator[tuple[str, str, str]]:
    """(URI of a user with a password, the password, name of a database)."""
    uri, database = mongo[0], f"{mongo[1]}_secret"
    user, password = "someone", f"planted{secrets.token_hex(12)}"
    with pymongo.MongoClient(uri) as client:
        try:
            client.admin.command("createUser", user, pwd=password, roles=["readWriteAnyDatabase"])
        except pymongo.errors.OperationFailure as error:
            pytest.skip(f"this server makes no users: {type(error).__name__}")
    scheme, rest = uri.split("://", 1)
    host, _, options = rest.rpartition("@")[2].partition("/?")
    yield f"{scheme}://{user}:{password}@{host}/?authSource=admin&{options}", password, database
    with pymongo.MongoClient(uri) as client:
        client.admin.command("dropUser", user)
        client.drop_database(database)


class Arguments(threading.Thread):
    """Reads the arguments of all processes until it is told to stop."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.seen: set[bytes] = set()
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.is_set():
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    self.seen.add(path.read_bytes())
                except OSError:
                    continue
            time.sleep(0.02)


@pytest.fixture(scope="module")
def ran(
    planted: tuple[str, str, str], tmp_path_factory: pytest.TempPathFactory, cli: Cli
) -> tuple[Path, str, set[bytes]]:
    """(Folder of a campaign that was run with the secret, all that was printed, all arguments meanwhile)."""
    uri, _, database = planted
    folder = tmp_path_factory.mktemp("secretive")
    (folder / "c.yaml").write_text(CAMPAIGN, encoding="utf-8")
    environment = {"ATOMSIEVE_MONGODB_URI": uri, "ATOMSIEVE_MONGODB_DATABASE": database}
    said = ""
    arguments = Arguments()
    arguments.start()
    before = os.umask(0o022)
    try:
        for command in (
            ("run", "c.yaml"),
            ("status", "secretive"),
            ("results", "secretive", "--csv"),
            ("report", "secretive", "--output", "plots"),
            ("failures", "secretive"),
            ("retry", "secretive"),
            ("run", "c.yaml"),
        ):
            done = cli(*command, cwd=folder, **environment)
            assert done.returncode == 0, f"{command}: {done.stderr}"
            said += done.stdout + done.stderr
        key = json.loads(cli("failures", "secretive", "--json", cwd=folder, **environment).stdout)[0]["keys"][0]
        said += cli("status", key, cwd=folder, **environment).stdout
        # what goes wrong says no more
        wrong = {**environment, "ATOMSIEVE_MONGODB_URI": uri.replace("someone", "nobody")}
        for command in (("run", "c.yaml"), ("status", "secretive")):
            failed = cli(*command, cwd=folder, **wrong)
            assert failed.returncode == 3, failed.stdout + failed.stderr
            said += failed.stdout + failed.stderr
        away = {
            **environment,
            "ATOMSIEVE_MONGODB_URI": uri.split("@")[0] + "@127.0.0.1:9/?serverSelectionTimeoutMS=200",
        }
        said += cli("status", "secretive", cwd=folder, **away).stderr
    finally:
        os.umask(before)
        arguments.over.set()
        arguments.join()
    return folder, said, arguments.seen


@pytest.mark.slow
@pytest.mark.mongo
def test_the_secret_is_nowhere(ran: tuple[Path, str, set[bytes]], planted: tuple[str, str, str]) -> None:
    folder, said, arguments = ran
    uri, password, database = planted
    assert len(said) > 1000
    assert password not in said
    assert any(b"atomsieve" in line for line in arguments)
    assert not [line for line in arguments if password.encode() in line]
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 20
    assert not [path for path in files if password.encode() in path.read_bytes()]
    with pymongo.MongoClient(uri) as client:
        names = client[database].list_collection_names()
        assert {"calculations", "tasks", "campaigns", "adsorption_energies"} <= set(names)
        for name in names:
            for document in client[database][name].find():
                assert password not in str(document), name


@pytest.mark.slow
@pytest.mark.mongo
def test_what_is_written_is_the_users_alone(ran: tuple[Path, str, set[bytes]]) -> None:
    data = ran[0] / "atomsieve-data"
    open_to_others = [
        str(path.relative_to(data)) for path in [data, *data.rglob("*")] if stat.S_IMODE(path.lstat().st_mode) & 0o077
    ]
    assert open_to_others == []


def test_an_embedded_database_is_the_users_alone(tmp_path: Path, cli: Cli) -> None:
    # a folder that was there before, open to all
    (tmp_path / "data").mkdir(mode=0o755)
    (tmp_path / "c.yaml").write_text(CAMPAIGN.replace("[Fe, Tc]", "[Fe]"), encoding="utf-8")
    before = os.umask(0o022)
    try:
        assert cli("run", "c.yaml", cwd=tmp_path, ATOMSIEVE_FOLDER="data").returncode == 0
    finally:
        os.umask(before)
    made = list((tmp_path / "data").rglob("*"))
    assert len(made) > 20
    assert [str(path) for path in made if stat.S_IMODE(path.lstat().st_mode) & 0o077] == []


PLANTED = [
    {"@module": "os", "@callable": "system", "@bound": None},
    {"@module": "builtins", "@callable": "eval"},
    {"@module": "subprocess", "@class": "Popen", "args": ["touch", "MARK"]},
    {"@module": "pathlib", "@class": "Path", "args": ["MARK"]},
    # what a module of ours has imported is not ours
    {"@module": "atomsieve.workflows.folder", "@callable": "os.system"},
    {"@module": "atomsieve.workflows.folder", "@class": "Path"},
    {"@module": "atomsieve.workflows.worker", "@callable": "run_job"},
    {"@module": "jobflow.core.job", "@callable": "warnings.warn"},
    {"@module": "antigravity_of_a_person", "@class": "Anything"},
]


@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: f"{planted['@module']}.{list(planted.values())[1]}")
@pytest.mark.parametrize("nested", [False, True], ids=["bare", "nested"])
def test_nothing_that_a_database_names_is_imported_or_called(
    planted: dict[str, Any], nested: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "antigravity_of_a_person.py").write_text("open('MARK', 'w').close()\n", encoding="utf-8")
    document = {"a": [{"b": planted}]} if nested else planted
    with pytest.raises(UntrustedError):
        decode_trusted(json.dumps(document))
    assert not (tmp_path / "MARK").exists()
    assert "antigravity_of_a_person" not in sys.modules


def test_a_campaign_file_runs_nothing(tmp_path: Path, cli: Cli) -> None:
    text = CAMPAIGN + "spin: !!python/object/apply:os.system ['touch MARK']\n"
    (tmp_path / "c.yaml").write_text(text, encoding="utf-8")
    for command in ("plan", "run"):
        assert cli(command, "c.yaml", cwd=tmp_path).returncode == 2
    assert not (tmp_path / "MARK").exists()
