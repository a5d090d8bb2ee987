"""docker-compose.yml, as far as that can be tried without an engine: what it says, and the commands that it starts."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pymongo
import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "docker-compose.yml"
BIN = Path(sys.executable).parent
PATH = f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}"


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    # with anchors and merges resolved, as Compose resolves them
    found: dict[str, dict[str, Any]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))["services"]
    return found


def test_it_is_what_the_specification_allows() -> None:
    from compose_spec import PyCompose

    resolved = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    PyCompose.from_yaml(yaml.safe_dump(resolved)).validate()
    declared = set(resolved["volumes"])
    for service in resolved["services"].values():
        sources = {volume.split(":")[0] for volume in service.get("volumes", ())}
        assert {source for source in sources if not source.startswith(".")} <= declared
        for source in sources - declared:
            assert (ROOT / source).exists()


def test_no_security_rule_is_broken() -> None:
    program = [sys.executable, "-m", "compose_lint", "check", "--format", "json", "--no-env", str(FILE)]
    done = subprocess.run(program, capture_output=True, text=True, check=False, cwd=ROOT)
    findings = json.loads(done.stdout)["findings"]
    # a digest would pin an image even harder than its full version does
    assert [finding for finding in findings if finding["rule_id"] != "CL-0019"] == []


def test_images_are_pinned_ports_are_local_and_no_secret_is_in_it(services: dict[str, dict[str, Any]]) -> None:
    text = FILE.read_text(encoding="utf-8")
    images = [service["image"] for service in services.values()]
    images += re.findall(r"^FROM (\S+)", (ROOT / "docker" / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    for image in images:
        assert re.search(r":\d+\.\d+\.\d+", image), image
    for service in services.values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
        assert service["healthcheck"]["test"][0] == "CMD"
        for name, value in service["environment"].items():
            if "PASSWORD" in name or "URI" in name:
                # whoever has not set it is told so, and nothing starts
                assert "${MONGODB_PASSWORD:?" in value
    assert re.findall(r"\$\{(\w+)(?!\w|:\?|\})", text) == []
    # a user, and no password beside it
    assert not re.search(r"://[^\s/:@]+:(?!\$\{)[^\s/@]+@", text)


def test_the_image_is_made_of_what_lies_here() -> None:
    text = (ROOT / "docker" / "Dockerfile").read_text(encoding="utf-8")
    for source in re.findall(r"^COPY (\S+)", text, re.MULTILINE):
        assert (ROOT / source).exists()
    # what comes last is what it runs as
    assert re.findall(r"^USER (\S+)", text, re.MULTILINE)[-1] == "atomsieve"
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert {".git", ".venv", "atomsieve-data"} <= set(ignored)


@pytest.mark.mongo
def test_the_worker_starts_takes_nothing_and_ends(
    services: dict[str, dict[str, Any]], mongo: tuple[str, str], tmp_path: Path
) -> None:
    described = yaml.safe_load((ROOT / "docker" / "workers" / "compose.yaml").read_text(encoding="utf-8"))
    assert described["name"] in services["worker"]["command"][4]
    described["folder"] = str(tmp_path / "results")
    described["kinds"]["cheap"]["idle"] = 0
    (tmp_path / "compose.yaml").write_text(yaml.safe_dump(described), encoding="utf-8")
    command = [str(tmp_path / "compose.yaml") if part.endswith(".yaml") else part
               for part in services["worker"]["command"]]  # fmt: skip
    environment = {"ATOMSIEVE_MONGODB_URI": mongo[0], "ATOMSIEVE_MONGODB_DATABASE": mongo[1], "PATH": PATH}
    done = subprocess.run(
        command,
        env={**os.environ, **environment},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no work is left" in done.stdout + done.stderr


@pytest.mark.mongo
def test_the_web_pages_show_fireworks_by_their_names(
    services: dict[str, dict[str, Any]], mongo: tuple[str, str], tmp_path: Path
) -> None:
    # of its own: FireWorks begins a database by emptying it
    uri, database = mongo[0], f"{mongo[1]}_pages"
    assert services["webgui"]["command"][:2] == ["sh", "/usr/local/bin/webgui"]
    assert (ROOT / "docker" / "webgui").read_text(encoding="utf-8").startswith("#!/bin/sh")
    code = (
        "import sys\nfrom fireworks import Firework, LaunchPad, ScriptTask, Workflow\n"
        "pad = LaunchPad(host=sys.argv[1], uri_mode=True, name=sys.argv[2], strm_lvl='ERROR')\n"
        "pad.reset('', require_password=False)\n"
        "fire = Firework(ScriptTask(script='true'), name='OH* on Fe-N4@graphene-4x4')\n"
        "pad.add_wf(Workflow([fire], name='quickstart/Fe-N4@graphene-4x4'))\n"
    )
    subprocess.run([sys.executable, "-c", code, uri, database], check=True, cwd=tmp_path, timeout=60)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {"ATOMSIEVE_MONGODB_URI": uri, "ATOMSIEVE_MONGODB_DATABASE": database, "TMPDIR": str(tmp_path)}
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(
            ["sh", str(ROOT / "docker" / "webgui"), "127.0.0.1", str(port)],
            env={**os.environ, **environment, "PATH": PATH},
            cwd=tmp_path,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        pages = [_page(f"http://127.0.0.1:{port}{path}", server, tmp_path / "log") for path in ("/", "/fw/READY/")]
        arguments = Path(f"/proc/{server.pid}/cmdline").read_bytes().decode()
        (launchpad,) = tmp_path.glob("tmp.*/launchpad.yaml")
        assert launchpad.stat().st_mode & 0o077 == 0
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)
        server.wait(20)
        with pymongo.MongoClient(uri) as client:
            client.drop_database(database)
    assert "quickstart/Fe-N4@graphene-4x4" in pages[0]
    assert "OH* on Fe-N4@graphene-4x4" in pages[1]
    # the credentials of the URI lie in a file of the user alone
    assert "mongodb://" not in arguments


def _page(url: str, server: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return str(answer.read().decode())
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.2)
    raise AssertionError(log.read_text())
