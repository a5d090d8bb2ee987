"""Fixtures of all tests."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pymongo
import pytest

from atomsieve.structures import adsorbate, reaction

OPTIONS = "?retryWrites=false&journal=true"

# how wide somebody's terminal is changes where the lines of commands break
os.environ.pop("COLUMNS", None)


@contextlib.contextmanager
def mongo_server(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the URI of a MongoDB server and the name of a database there that is dropped afterwards.

    The server is the one of ATOMSIEVE_MONGODB_URI where that is set, else a SecantusDB in a process of its own.
    """
    database = f"atomsieve_test_{uuid.uuid4().hex[:12]}"
    if uri := os.environ.get("ATOMSIEVE_MONGODB_URI"):
        try:
            yield uri, database
        finally:
            with pymongo.MongoClient(uri) as client:
                client.drop_database(database)
        return
    beside = Path(sys.executable).parent / "secantusd-py"
    program = str(beside) if beside.exists() else shutil.which("secantusd-py")
    if program is None:
        pytest.skip("no MongoDB: install secantusdb, or set ATOMSIEVE_MONGODB_URI")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [program, "--host", "127.0.0.1", "--port", str(port), "--storage-path", str(folder / "mongo")]
    log_path = folder / "mongo.log"
    with log_path.open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=folder)
    try:
        _wait_until_ready(server, port, log_path)
        yield f"mongodb://127.0.0.1:{port}/{OPTIONS}", database
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait_until_ready(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if server.poll() is not None:
            break
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise RuntimeError(f"the MongoDB server did not start:\n{log.read_text()}")


@pytest.fixture(scope="session")
def mongo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """(URI, name of a database) of a MongoDB server that lives as long as the test session."""
    with mongo_server(tmp_path_factory.mktemp("mongo")) as where:
        yield where


@dataclass(frozen=True)
class Slurm:
    """A Slurm of our own: two nodes, n1 and n2, of two cores each; partitions main and short."""

    folder: Path
    environment: dict[str, str]

    def lab(self, *arguments: str) -> None:
        """Call slurm-lab.sh: ``up``, ``down``, ``kill NODE``."""
        result = subprocess.run(
            [LAB, *arguments], env={**os.environ, **self.environment}, capture_output=True, text=True, check=False
        )
        if result.returncode:
            raise RuntimeError(f"slurm-lab.sh {' '.join(arguments)}: {result.stdout}{result.stderr}")

    def kill_node(self, node: str) -> None:
        """SIGKILL a node's slurmd; its jobs go on. The node is down after 20 s, and :meth:`mend` brings it back."""
        self.lab("kill", node)

    def mend(self) -> None:
        """Start what does not run, and wait until all nodes take jobs."""
        self.lab("up")

    def call(self, *command: str) -> str:
        """Return what a Slurm command prints."""
        environment = {**os.environ, **self.environment}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60).stdout


LAB = str(Path(__file__).with_name("slurm-lab.sh"))


@pytest.fixture(scope="session")
def slurm() -> Iterator[Slurm]:
    """Yield a real Slurm that lives as long as the test session; SLURM_CONF points to it meanwhile."""
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    missing = [name for name in ("slurmctld", "slurmd", "munged", "sbatch") if shutil.which(name, path=path) is None]
    if missing:
        pytest.skip(f"no Slurm: {', '.join(missing)} not found; apt-get install slurm-wlm munge")
    # the path of a socket is short, and that of pytest's folder need not be
    folder = Path(tempfile.mkdtemp(prefix="atomsieve-slurm-"))
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(3)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        ports = " ".join(str(probe.getsockname()[1]) for probe in probes)
    environment = {"SLURM_LAB": str(folder), "SLURM_LAB_PORTS": ports, "SLURM_CONF": str(folder / "slurm.conf")}
    lab = Slurm(folder, environment)
    # a session that is killed takes nothing down
    guard = subprocess.Popen(
        [LAB, "guard", str(os.getpid())],
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        lab.mend()
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SLURM_CONF", environment["SLURM_CONF"])
            yield lab
    finally:
        lab.lab("down")
        guard.kill()
        guard.wait()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(autouse=True)
def _no_settings_of_the_person(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the tests from the settings, and the database, of whoever runs them."""
    for name in [name for name in os.environ if name.startswith("ATOMSIEVE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.fixture(autouse=True)
def _nothing_of_another_campaign() -> Iterator[None]:
    """Let no test know what a campaign of another has defined."""
    yield
    adsorbate._OWN.clear()
    reaction._OWN.clear()
    reaction.reaction.cache_clear()


def atomsieve(*arguments: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "atomsieve.workflows.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env={**os.environ, **environment},
    )


@pytest.fixture(scope="session")
def cli() -> object:
    """The command line as a function; see :func:`atomsieve`."""
    return atomsieve


@pytest.fixture(scope="session")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """From pinned packages to the Python of an environment of their own, for tools that are not to be imported here."""
    made: dict[tuple[str, ...], Path] = {}

    def environment(*packages: str) -> Path:
        if packages not in made:
            folder = tmp_path_factory.mktemp("foreign")
            python = folder / "bin" / "python"
            install = [sys.executable, "-m", "pip", "--python", str(python), "install", "-q", "--no-compile", *packages]
            for command in ([sys.executable, "-m", "venv", "--without-pip", str(folder)], install):
                result = subprocess.run(command, capture_output=True, text=True, check=False)
                assert result.returncode == 0, result.stdout + result.stderr
            made[packages] = python
        return made[packages]

    return environment


@pytest.fixture
def fault(record_property: Callable[[str, object], None]) -> Callable[..., None]:
    """Record a line of the table of faults that is printed at the end: what was done, and what came of it."""

    def record(*, engine: str, fault: str, outcome: str) -> None:
        record_property("fault", [engine, fault, outcome])

    return record


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the modules with slow tests first, the slowest before all, so that none of them runs alone at the end."""
    first = {"test_whole": 0, "test_networks": 1}
    slow = {item.module for item in items if isinstance(item, pytest.Function) and item.get_closest_marker("slow")}

    def rank(item: pytest.Item) -> int:
        module = getattr(item, "module", None)
        return first.get(getattr(module, "__name__", "").rpartition(".")[2], 2) if module in slow else 3

    items.sort(key=rank)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the tables that tests recorded; a print would be lost between parallel workers."""
    for report in terminalreporter.stats.get("passed", []) + terminalreporter.stats.get("failed", []):
        for name, value in getattr(report, "user_properties", []):
            if name == "table" and report.when == "call":
                terminalreporter.write_line(str(value))
    faults = [
        (*value, report.outcome)
        for report in terminalreporter.stats.get("passed", []) + terminalreporter.stats.get("failed", [])
        if report.when == "call"
        for name, value in getattr(report, "user_properties", [])
        if name == "fault"
    ]
    if faults:
        lines = [("engine", "fault", "what came of it", "test"), *sorted(faults)]
        widths = [max(len(line[column]) for line in lines) for column in range(4)]
        terminalreporter.section("faults")
        for line in lines:
            terminalreporter.write_line("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)))
