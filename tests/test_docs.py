"""The commands of the README are run, and what it shows is what they print."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import pytest
import yaml

from atomsieve.analysis.descriptors.table import descriptors
from atomsieve.analysis.surroundings import surroundings
from atomsieve.builders import catalog
from atomsieve.structures.campaign import parse_campaign
from atomsieve.structures.correction import correction_tables
from atomsieve.structures.gas_correction import gas_corrections
from atomsieve.structures.molecule import molecule, molecules
from atomsieve.structures.reaction import reactions
from atomsieve.workflows import gallery
from atomsieve.workflows.calculators import CALCULATORS

from .conftest import mongo_server

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
Cli = Callable[..., subprocess.CompletedProcess[str]]


def blocks(page: Path, language: str) -> list[str]:
    """Return the fenced blocks of a page in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_pictures_are_there(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / unquote(target)).exists(), target


def test_the_two_commands_are_targets_of_make() -> None:
    commands = [line for block in blocks(PAGES[0], "sh") for line in block.splitlines() if line.startswith("make ")]
    assert [command.split("#")[0].strip() for command in commands] == ["make demo", "make test"]
    for command in ("demo", "test"):
        result = subprocess.run(["make", "-n", command], cwd=ROOT, capture_output=True, text=True, check=False)
        assert result.returncode == 0
    assert (
        "examples/quickstart.yaml"
        in subprocess.run(["make", "-n", "demo"], cwd=ROOT, capture_output=True, text=True, check=False).stdout
    )


@dataclass(frozen=True)
class Block:
    """A fenced block of a page.

    Parameters
    ----------
    page : str
        Its path.
    line : int
        Of its first line of content.
    language : str
        What the fence says.
    source : str
        Its content.
    excuse : str
        Why it is not executed; empty where it is.
    """

    page: str
    line: int
    language: str
    source: str
    excuse: str

    @property
    def file(self) -> str:
        """The file that it is to be saved as, named by its first line: ``# mine.yaml``."""
        match = re.match(r"# ([\w./-]+\.(?:yaml|py|csv|xyz|cif))\n", self.source)
        return match[1] if match else ""


def blocks_of(page: Path) -> list[Block]:
    """Return all blocks of a page in their order."""
    text = page.read_text(encoding="utf-8")
    fence = r"^(?:<!-- not executed: (.*) -->\n)?```(\w+)\n(.*?)^```$"
    return [
        Block(str(page.relative_to(ROOT)), text.count("\n", 0, match.start(3)) + 1, match[2], match[3], match[1] or "")
        for match in re.finditer(fence, text, flags=re.MULTILINE | re.DOTALL)
    ]


class Pages:
    """Runs what pages show, one after the other, in one folder, with the mock in place of xTB.

    Parameters
    ----------
    folder : Path
        Where; commands find `examples/` there.
    cli : callable
        The command line.
    """

    def __init__(self, folder: Path, cli: Cli, uri: str) -> None:
        self.folder, self.cli, self.uri = folder, cli, uri
        self.seen: Counter[str] = Counter()
        self.python: subprocess.Popen[str] | None = None
        self.is_copied = False
        for example in (*(ROOT / "examples").glob("*.yaml"), *(ROOT / "examples").glob("*.cif")):
            self.save(f"examples/{example.name}", example.read_text(encoding="utf-8"))

    def save(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(re.sub(r"gfn[12]-xtb\n", "mock\n", text), encoding="utf-8")

    def run(self, page: Path) -> None:
        begun = False
        for block in blocks_of(page):
            if block.excuse:
                continue
            if block.file:
                self.save(block.file, block.source)
            elif block.language == "sh":
                self.commands(block)
            elif block.language == "python":
                self.statements(block, begin=not begun)
                begun = True
        if begun:
            self.say(None)

    def commands(self, block: Block) -> None:
        for line in block.source.splitlines():
            command = line.split("#")[0].strip()
            if command.startswith("atomsieve "):
                result = self.cli(*shlex.split(command)[1:], cwd=self.folder)
                assert result.returncode == 0, f"{block.page}: {command}\n{result.stdout}{result.stderr}"
                self.seen["commands"] += 1

    def statements(self, block: Block, *, begin: bool) -> None:
        if re.search(r"\buri\b", block.source) and not self.is_copied:
            result = self.cli("db", "copy", "atomsieve-data", self.uri, cwd=self.folder)
            assert result.returncode == 0, result.stderr
            self.is_copied = True
        if begin:
            self.say({"uri": self.uri})
        self.say({"page": block.page, "line": block.line, "source": block.source})
        assert self.python is not None
        assert self.python.stdout is not None
        trouble = json.loads(self.python.stdout.readline())
        assert trouble is None, trouble
        self.seen["python"] += 1

    def say(self, message: object) -> None:
        if self.python is None:
            command = [sys.executable, str(Path(__file__).with_name("blocks.py"))]
            self.python = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=self.folder
            )
        assert self.python.stdin is not None
        self.python.stdin.write(json.dumps(message) + "\n")
        self.python.stdin.flush()

    def close(self) -> None:
        if self.python is not None:
            self.python.communicate()


@pytest.mark.slow
def test_what_the_pages_show_runs(tmp_path: Path, cli: Cli) -> None:
    """Each ``atomsieve ...`` line and each python block, in order: seconds instead of minutes."""
    # a server of its own: what the pages name is written there
    with mongo_server(tmp_path) as (server, _):
        pages = Pages(tmp_path, cli, server.replace("/?", "/atomsieve?"))
        try:
            for page in PAGES:
                pages.run(page)
        finally:
            pages.close()
    assert pages.seen["commands"] >= 50
    assert pages.seen["python"] >= 20


def test_what_is_not_executed_says_why() -> None:
    for page in PAGES:
        for block in blocks_of(page):
            assert not block.excuse or len(block.excuse) > 10, f"{page}: {block.line}"


def test_campaign_files_in_the_pages_are_campaigns() -> None:
    found = [block for page in PAGES if page.name != "sites.md" for block in blocks(page, "yaml")]
    assert found
    for block in found:
        parse_campaign(block, "README")


def test_the_transcript_is_of_the_example() -> None:
    """The numbers come from a real run on another day; its lines must be those that the command still prints."""
    (transcript,) = blocks(PAGES[0], "text")
    assert "$ atomsieve run examples/quickstart.yaml" in transcript
    for needed in ("stop it whenever you like; to go on:", "4 of 4 sites complete", "pre-screening, not predictive"):
        assert needed in transcript
    for site in ("Fe-N4@graphene-4x4", "Co-N4@graphene-4x4", "Ni-N4@graphene-4x4", "Co-porphine"):
        assert site in transcript


def test_no_page_names_a_path_of_some_machine() -> None:
    for page in PAGES:
        assert not re.search(r"/(root|home|work|tmp)/", page.read_text(encoding="utf-8")), page


def test_entries_of_the_page_stand_for_as_many_sites_as_it_says() -> None:
    seen = 0
    for block in blocks(ROOT / "docs" / "sites.md", "yaml"):
        entries = yaml.safe_load(block)["sites"]
        stated = re.search(r"# (\d+) sites", block)
        assert stated is not None
        assert [problem for entry in entries for problem in catalog.check(entry)] == []
        assert sum(len(list(catalog.recipes(entry))) for entry in entries) == int(stated[1])
        seen += 1
    assert seen >= 3


def test_the_table_of_calculators_is_that_of_the_code() -> None:
    text = (ROOT / "docs" / "calculators.md").read_text(encoding="utf-8")
    rows = {cells[1].strip("` "): [cell.strip() for cell in cells[2:-1]] for cells in _rows(text) if "`" in cells[1]}
    assert list(rows) == list(CALCULATORS)
    for name, entry in CALCULATORS.items():
        *stated, cure, seconds = rows[name]
        assert stated == [entry.title, entry.tier, entry.spin, entry.source]
        assert float(seconds) == entry.seconds
        mend = entry.requirement.mend
        # what takes more than a command has a page of its own
        assert (cure == (f"`{mend}`" if mend else "always there")) or (".md)" in cure and "pip install" not in mend)


def _cited(source: str) -> str:
    """Write a source as the page does: a DOI as a link."""
    return re.sub(r"(?:doi )?(10\.\d+/\S+?)(?=[,;]?(?: |$))", r"[\1](https://doi.org/\1)", source)


def tables_of_reactions() -> dict[str, list[str]]:
    """Return the lines of the tables of docs/reactions.md, as the data have them."""
    own = [
        f"| {name} | {', '.join(f'{entry.free(phase):.4f} ({phase})' for phase in entry.phases)} | "
        f"{_cited(entry.phases[entry.phase].source)} |"
        for name, entry in molecules().items()
        if not entry.is_reference
    ]
    potentials = [
        f"| `{name}` | {entry.overall.text.replace('*', chr(92) + '*')} | {entry.electrons} | "
        f"{entry.equilibrium_potential:.4f} | {_cited(entry.source)} |"
        for name, entry in reactions().items()
    ]
    others = []
    for name, (product, phase) in OTHER_PHASES.items():
        entry, own_free = reactions()[name], molecule(product).formation
        change = entry.overall.end.free[product] * (molecule(product).free(phase) - own_free)
        potential = -(entry.experimental_total + change) / entry.electrons
        others.append(f"| `{name}` with {product} ({phase}) | {potential:.4f} |")
    ammonium = reactions()["NRR"].overall
    others.append(f"| `NRR` at pH 0, where NH3 is NH4+ | {surroundings({'pH': 0.0}).equilibrium(ammonium):.4f} |")
    corrections = []
    for name, table in correction_tables().items():
        for adsorbate in table.adsorbates:
            terms = table.terms(adsorbate, solvation=True)
            values = ", ".join(f"{WORDS[kind]} {value:+.3f}" for kind, value, _ in terms)
            sources = ", ".join(dict.fromkeys(_cited(source) for *_, source in terms))
            corrections.append(f"| `{name}` | {table.convention} | {adsorbate} | {values} | {sources} |")
    gases = [
        f"| `{name}` | {functional} | {', '.join(f'{gas} {value:+.2f}' for gas, value in values.items())} | "
        f"{_cited(entry.source)} |"
        for name, entry in gas_corrections().items()
        for functional, values in entry.functionals.items()
    ]
    return {"molecules": own, "potentials": potentials, "others": others, "corrections": corrections, "gases": gases}


#: Products that many papers take as gases.
OTHER_PHASES = {
    "CO2RR-HCOOH": ("HCOOH", "g"),
    "CO2RR-CH3OH": ("CH3OH", "g"),
    "NRR": ("NH3", "g"),
    "NO3RR": ("NH3", "g"),
}
#: What the page calls the terms of a correction table.
WORDS = {"correction": "ΔG − ΔE", "zpe": "ZPE", "thermal": "∫Cp dT", "entropy": "−TS", "solvation": "solvation"}


@pytest.mark.parametrize("name", ["molecules", "potentials", "others", "corrections", "gases"])
def test_the_tables_of_reactions_are_those_of_the_data(name: str) -> None:
    page = (ROOT / "docs" / "reactions.md").read_text(encoding="utf-8").splitlines()
    lines = tables_of_reactions()[name]
    first = page.index(lines[0])
    assert page[first : first + len(lines)] == lines
    assert page[first + len(lines)] == ""
    assert page[first - 1].startswith("|---")


def test_the_table_of_descriptors_is_that_of_the_data() -> None:
    page = (ROOT / "docs" / "descriptors.md").read_text(encoding="utf-8").splitlines()
    lines = [
        f"| `{entry.name}` | {entry.unit} | {entry.per} | {entry.title} | {_cited(entry.source)} |"
        for entry in descriptors().values()
    ]
    first = page.index(lines[0])
    assert page[first : first + len(lines) + 1] == [*lines, ""]


def _rows(text: str) -> list[list[str]]:
    return [line.split("|") for line in text.splitlines() if line.startswith("| ")]


def test_the_gallery_is_what_the_command_writes() -> None:
    """Its page is written again, and every picture that it shows is there and no other."""
    folder = ROOT / "docs" / "gallery"
    page = gallery.page()
    assert (folder / "README.md").read_text(encoding="utf-8") == page
    shown = {unquote(target) for target in re.findall(r"!\[[^]]*\]\(([^)]+)\)", page)}
    assert shown == {path.name for path in folder.glob("*.png")}
    for name, family in catalog.families().items():
        assert f"## {name}\n" in page
        assert all(f"| `{parameter}` |" in page for parameter in family.parameters)


@pytest.mark.slow
def test_families_are_listed(cli: Cli, tmp_path: Path) -> None:
    listed = json.loads(cli("families", "--json", cwd=tmp_path).stdout)
    assert [entry["family"] for entry in listed] == list(catalog.families())
    graphene = json.loads(cli("families", "graphene", "--json", cwd=tmp_path).stdout)
    assert [parameter["name"] for parameter in graphene["parameters"] if parameter["required"]] == ["metals"]
    assert graphene["examples"][0]["shells"] == [{"metal": "Fe", "bonds": {"N": [1.895] * 4}}]
    assert not list(tmp_path.iterdir())

    result = cli("families", "graphene", "--pictures", "pictures", cwd=tmp_path)
    assert result.returncode == 0
    assert all(example["label"] in result.stdout for example in graphene["examples"])
    assert len(list((tmp_path / "pictures").glob("*.png"))) == len(graphene["examples"])

    wrong = cli("families", "grafene", cwd=tmp_path)
    assert wrong.returncode == 2
    assert "did you mean 'graphene'" in wrong.stderr


def test_the_table_of_faults_is_what_the_tests_record() -> None:
    """Each fault that a test records under a name that does not vary is on the page, and no other engine is."""
    page = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    listed = {(cells[1].strip(), cells[2].strip()) for cells in _rows(page)} - {("engine", "fault")}
    listed = {line for line in listed if not line[0].startswith("---")}
    assert len(listed) > 30
    tests = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").glob("test_*.py"))
    recorded = set(re.findall(r'fault\(\s*engine="([^"]+)",\s*fault="([^"]+)"', tests))
    assert len(recorded) > 20
    assert recorded <= listed
    assert {engine for engine, _ in listed} == {engine for engine, _ in recorded}
