"""What all commands have in common: names, exit codes, JSON, terminals and pipes, the tab key."""

from __future__ import annotations

import json
import os
import pty
import re
import shlex
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from atomsieve.builders import catalog
from atomsieve.structures.errors import BuildError, InputError, LeaseLostError, SchedulerError, StoreError
from atomsieve.workflows import completing, networks
from atomsieve.workflows.calculators import CALCULATORS
from atomsieve.workflows.cli import app
from atomsieve.workflows.ending import MEANING, Code, code_of, ended
from atomsieve.workflows.engine import ENGINES

Cli = Callable[..., subprocess.CompletedProcess[str]]
PAGE = (Path(__file__).resolve().parent.parent / "docs" / "cli.md").read_text(encoding="utf-8")
#: Commands that only write a file, or hand over to a cluster, of which other tests see the JSON.
NO_JSON = {"new"}
ON_A_CLUSTER = {"submit"}
TINY = """\
name: tiny
sites: [{family: porphine, metals: [Fe]}]
reactions: [HER]
method: {calculator: mock}
stability: {}
"""


def commands() -> Iterator[tuple[str, Any]]:
    """Yield each command with its full name."""
    for name, command in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]
        if hasattr(command, "commands"):
            yield from ((f"{name} {own}", entry) for own, entry in command.commands.items())
        else:
            yield name, command


COMMANDS = dict(commands())


# -- names -------------------------------------------------------------------------------------------------------------


def test_the_same_thing_has_the_same_name_everywhere() -> None:
    said: dict[str, set[tuple[str, ...]]] = defaultdict(set)
    letters: dict[str, set[str]] = defaultdict(set)
    for command in COMMANDS.values():
        for parameter in command.params:
            if parameter.param_type_name == "option":
                long, *short = sorted(parameter.opts, key=len, reverse=True)
                said[long].add((str(short), str(parameter.metavar), parameter.help))
                for letter in short:
                    letters[letter].add(long)
    # a file or a folder, a pattern or a label, seconds: what differs is said
    varied = {"--output", "--every", "--site", "--metal", "--pictures", "--structures"}
    assert {name for name, ways in said.items() if len(ways) > 1} <= varied
    assert all(len(longs) == 1 for longs in letters.values()), letters
    for old, now in (("--from", "--database"), ("--into", "--database"), ("--out", "--output"), ("--limit", "--top")):
        assert old not in said
        assert f"`{old}`" in PAGE
        assert now in said


def test_every_help_is_a_sentence_with_an_example_that_can_be_typed() -> None:
    for name, command in COMMANDS.items():
        assert re.match(r"[A-Z][a-z]+ .*\.", command.help), name
        for parameter in command.params:
            if parameter.name != "help":
                assert re.match(r".*(\.|\.\.\.)$", parameter.help or ""), (name, parameter.name)
        example = command.epilog.removeprefix("Example: ")
        assert example.startswith(f"atomsieve {name}"), example
        command.make_context(name, shlex.split(example)[1 + len(name.split()) :])
    assert {name for name, command in COMMANDS.items() if "--json" not in _options(command)} == NO_JSON


def _options(command: Any) -> set[str]:
    return {option for parameter in command.params for option in parameter.opts}


def test_older_names_of_options_are_understood(tmp_path: Path) -> None:
    for old in (("--from", "elsewhere"), ("--from=elsewhere",)):
        assert COMMANDS["show"].make_context("show", ["Fe", *old]).params["database"] == "elsewhere"
    assert COMMANDS["flow"].make_context("flow", ["c.yaml", "--out", "f.json"]).params["output"] == Path("f.json")
    with pytest.raises(Exception, match="No such option: --from"):
        COMMANDS["plan"].make_context("plan", ["c.yaml", "--from", "here"])


# -- exit codes --------------------------------------------------------------------------------------------------------


def test_the_page_says_what_exit_codes_mean() -> None:
    for code, meaning in MEANING.items():
        assert f"| {code.value} | {meaning} |\n" in PAGE
    assert set(MEANING) == set(Code)


@pytest.fixture
def end(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run a command line as the program does, in this process; return the exit code and what it printed."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["atomsieve", *arguments])
        with pytest.raises(SystemExit) as left:
            ended(app)
        printed = capsys.readouterr()
        return int(left.value.code or 0), printed.out, printed.err

    return run


def test_each_class_of_endings_has_its_code(
    end: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert end("reactions", "HER", "--json")[0] == Code.DONE
    (tmp_path / "empty").mkdir()
    assert end("ingest", "mine", "empty")[0] == Code.INCOMPLETE
    for wrong, said in (
        (("reslts",), "Did you mean 'results'?"),
        (("reactions", "--jsn"), "No such option"),
        (("reactions", "ORRR"), "did you mean 'ORR'?"),
        (("plan", "absent.yaml"), "error: there is no campaign file absent.yaml; `atomsieve new NAME` writes one"),
    ):
        code, out, err = end(*wrong)
        assert (code, out) == (Code.REFUSED, "")
        assert said in err
    for error, code in (
        (StoreError("away"), Code.AWAY),
        (SchedulerError("away"), Code.AWAY),
        (LeaseLostError("taken"), Code.AWAY),
        (OSError(28, "No space left on device"), Code.AWAY),
        (FileNotFoundError(2, "No such file"), Code.REFUSED),
        (InputError("wrong"), Code.REFUSED),
        (BuildError("wrong"), Code.REFUSED),
    ):
        assert code_of(error) is code
        monkeypatch.setattr(networks, "show", _raiser(error))
        assert end("reactions")[::2] == (code, f"error: {error}\n")
    monkeypatch.setattr(networks, "show", _raiser(KeyboardInterrupt()))
    assert end("reactions")[::2] == (Code.STOPPED, "stopped\n")


def test_a_fault_of_ours_leaves_its_traceback_where_it_can_be_found(
    end: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(networks, "show", _raiser(KeyError("spin")))
    code, _, log = end("reactions")
    assert code == Code.FAULT
    assert "Traceback" in log
    assert log.splitlines()[-1].startswith("error: KeyError: 'spin'; this is a fault of atomsieve")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    code, _, seen = end("reactions")
    (kept,) = tmp_path.glob("atomsieve-fault-*.txt")
    assert code == Code.FAULT
    assert "Traceback" not in seen
    assert kept.name in seen.replace("\n", "")
    assert "KeyError: 'spin'" in kept.read_text(encoding="utf-8")


def _raiser(error: BaseException) -> Callable[..., None]:
    def show(*arguments: object, **options: object) -> None:
        raise error

    return show


# -- JSON --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, cli: Cli) -> Path:
    """A folder in which a campaign was run."""
    folder = tmp_path_factory.mktemp("tiny")
    (folder / "tiny.yaml").write_text(TINY, encoding="utf-8")
    result = cli("run", "tiny.yaml", "--json", cwd=folder)
    assert result.returncode == 0, result.stderr
    summary = json.loads(result.stdout)
    assert (summary["campaign"], summary["sites"], summary["complete"]) == ("tiny", 1, 1)
    assert "stop it whenever you like" in result.stderr
    return folder


@pytest.fixture
def call(done: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """The command line in this process, in that folder."""
    monkeypatch.chdir(done)
    return lambda *arguments: CliRunner().invoke(app, list(arguments))


def documented() -> list[tuple[str, str, list[str], bool]]:
    """Return the lines of the page's table: command, kind of document, keys, whether there are more."""
    lines = re.findall(r"^\| `atomsieve ([^`]+)` \| (\w+) \| (.*) \|$", PAGE, flags=re.MULTILINE)
    return [(command, kind, re.findall(r"`(\w+)`", keys), "..." in keys) for command, kind, keys in lines]


def test_the_json_of_every_command_is_what_the_page_says(call: Callable[..., Result], done: Path) -> None:
    seen = set()
    for command, kind, keys, is_open in documented():
        result = call(*shlex.split(command), "--json")
        # a campaign file is nothing to take in, and is said to be none
        assert result.exit_code == int(command.startswith("ingest")), (command, result.exception, result.stderr)
        found = json.loads(result.stdout, parse_constant=_refuse)
        assert type(found).__name__ == {"object": "dict", "list": "list"}[kind], command
        if found:
            own = set(found[0] if kind == "list" else found)
            assert own >= set(keys) if is_open else own == set(keys), command
        seen.add(next(name for name in COMMANDS if command.startswith(name)))
    assert seen == set(COMMANDS) - NO_JSON - ON_A_CLUSTER


def _refuse(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


def test_json_holds_null_for_what_is_no_number(capsys: pytest.CaptureFixture[str]) -> None:
    from atomsieve.workflows.printing import print_json

    print_json({"free": float("nan"), "rows": [(float("inf"), 0.1 + 0.2)]})
    assert json.loads(capsys.readouterr().out) == {"free": None, "rows": [[None, 0.30000000000000004]]}


# -- terminals and pipes -----------------------------------------------------------------------------------------------


def test_an_output_without_greek_is_no_error(cli: Cli, tmp_path: Path) -> None:
    plain = cli("reactions", "ORR", cwd=tmp_path, PYTHONIOENCODING="ascii", LANG="C")
    assert plain.returncode == 0, plain.stderr
    assert plain.stdout.isascii()
    assert "->" in plain.stdout
    both = [
        cli("reactions", "ORR", "--json", cwd=tmp_path, PYTHONIOENCODING=code).stdout for code in ("ascii", "utf-8")
    ]
    assert both[0].isascii()
    assert not both[1].isascii()
    assert json.loads(both[0]) == json.loads(both[1])


def test_whoever_stops_reading_is_no_error(tmp_path: Path) -> None:
    for arguments in ("db schema", "db schema --json"):
        command = f"set -o pipefail; '{sys.executable}' -m atomsieve.workflows.cli {arguments} | head -1"
        result = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert (result.returncode, result.stderr) == (0, "")
        assert len(result.stdout.splitlines()) == 1


def test_a_terminal_gets_what_it_can_show(tmp_path: Path) -> None:
    colours = re.compile(r"\x1b\[[0-9;]*3[0-9]")
    shown = {name: in_terminal(("reactions", "ORRR"), tmp_path, **environment) for name, environment in {
        "plain": {"NO_COLOR": "1", "TERM": "xterm-256color"},
        "colours": {"NO_COLOR": "", "TERM": "xterm-256color"},
    }.items()}  # fmt: skip
    assert not colours.search(shown["plain"])
    assert colours.search(shown["colours"])
    narrow = in_terminal(("export",), tmp_path, TERM="dumb", COLUMNS="60")
    assert "\x1b" not in narrow
    assert max(map(len, narrow.splitlines()[:-1])) <= 60


def in_terminal(arguments: tuple[str, ...], cwd: Path, **environment: str) -> str:
    """Return what a command prints to a terminal."""
    leader, follower = pty.openpty()
    own = {name: value for name, value in {**os.environ, **environment}.items() if value}
    process = subprocess.Popen(
        [sys.executable, "-m", "atomsieve.workflows.cli", *arguments],
        stdin=follower,
        stdout=follower,
        stderr=follower,
        cwd=cwd,
        env=own,
    )
    os.close(follower)
    printed = b""
    # Linux ends the other side of a terminal with an error
    while chunk := _read(leader):
        printed += chunk
    os.close(leader)
    process.wait(30)
    return printed.decode().replace("\r\n", "\n")


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 4096)
    except OSError:
        return b""


# -- the tab key -------------------------------------------------------------------------------------------------------


def test_the_tab_key_knows_what_the_catalogs_know() -> None:
    assert tuple(catalog.families()) == completing.FAMILIES
    assert tuple(CALCULATORS) == completing.CALCULATORS
    assert completing.engines("") == list(ENGINES)
    assert completing.reactions("ORR") == ["ORR", "ORR-dissociative", "ORR-2e"]
    assert completing.metals("Fe-C")[:2] == ["Fe-Cr", "Fe-Co"]
    assert "memory limit" in completing.causes("")
    assert completing.classes("other") == ["other-settings"]
    assert completing.verdicts("diss") == ["dissociated"]


def test_the_tab_key_imports_nothing_slow() -> None:
    names = (
        "families",
        "calculators",
        "engines",
        "kinds",
        "reactions",
        "metals",
        "causes",
        "states",
        "classes",
        "verdicts",
        "formats",
    )
    code = (
        "import sys, atomsieve.workflows.cli\nfrom atomsieve.workflows import completing\n"
        f"assert all(getattr(completing, name)('') for name in {names})\n"
        "print(sorted({'numpy', 'yaml', 'rich.console', 'pydantic'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (result.stdout.strip(), result.stderr) == ("[]", "")


def test_a_real_bash_completes(tmp_path: Path) -> None:
    script = tmp_path / "atomsieve"
    script.write_text(f"#!{sys.executable}\nfrom atomsieve.workflows.cli import main\n\nmain()\n", encoding="utf-8")
    script.chmod(0o755)
    (tmp_path / "mine.yaml").touch()
    lines = (
        (("atomsieve", "rep"), {"report"}),
        (("atomsieve", "results", "--metal", "Fe-C"), {"Fe-Co", "Fe-Cr", "Fe-Cu"}),
        (("atomsieve", "status", "mi"), {"mine.yaml"}),
    )
    asked = "".join(
        f'COMP_WORDS=({" ".join(words)}); COMP_CWORD={len(words) - 1}; $function atomsieve; echo "${{COMPREPLY[*]}}"\n'
        for words, _ in lines
    )
    code = (
        'eval "$(_ATOMSIEVE_COMPLETE=source_bash atomsieve)"\n'
        "function=$(complete -p atomsieve | sed 's/.*-F \\([^ ]*\\).*/\\1/')\n" + asked
    )
    result = subprocess.run(
        ["bash", "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
    )
    assert result.returncode == 0, result.stderr
    for line, (words, wanted) in zip(result.stdout.splitlines(), lines, strict=True):
        assert wanted <= set(line.split()), (words, line)


@pytest.mark.skipif(shutil.which("zsh") is None, reason="no zsh")
def test_zsh_takes_the_completion(tmp_path: Path) -> None:
    script = CliRunner().invoke(app, [], env={"_ATOMSIEVE_COMPLETE": "source_zsh"}, prog_name="atomsieve").stdout
    code = f"autoload -U compinit; compinit -u -d {tmp_path}/dump\n{script}\nprint $_comps[atomsieve]"
    result = subprocess.run(["zsh", "-f", "-c", code], capture_output=True, text=True, check=False)
    assert result.stdout.strip(), result.stderr
