"""The benchmarks run, give tables, and have their places on the page."""

from __future__ import annotations

import re
import subprocess
import sys
from itertools import groupby
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT))
    from benchmarks import page

    return page


def tables(text: str) -> list[list[str]]:
    """Return the tables of a text, a list of lines each."""
    grouped = groupby(text.splitlines(), key=lambda line: line.startswith("|"))
    return [list(lines) for is_table, lines in grouped if is_table]


def test_each_benchmark_has_its_place_on_the_page_and_a_table_there(page: ModuleType) -> None:
    from benchmarks.__main__ import NAMES

    text = page.PAGE.read_text(encoding="utf-8")
    assert sorted(page.names(text)) == sorted(NAMES)
    for name in NAMES:
        begin, end = page.markers(name)
        place = text.partition(begin)[2].partition(end)[0]
        for lines in tables(place):
            assert len({line.count("|") for line in lines}) == 1, name
        # when and on what: no number without these
        assert re.search(r"20\d\d-\d\d-\d\d.*core", place) or f"make bench BENCH={name}" in place, name


def test_a_table_takes_the_place_of_the_one_before(page: ModuleType) -> None:
    text = "before\n<!-- benchmark: plan -->\nold\n\n| a |\n<!-- end: plan -->\nafter\n"
    changed = page.with_table(text, "plan", "new\n")
    assert changed == "before\n<!-- benchmark: plan -->\nnew\n<!-- end: plan -->\nafter\n"
    with pytest.raises(ValueError, match="benchmark: memory"):
        page.with_table(text, "memory", "new")


def test_a_table_is_whole_and_names_its_range(page: ModuleType) -> None:
    from benchmarks.table import Table, alternate, machine, ratios, spread

    assert Table(("", "s"), (("a", "1"),), "Seen.").markdown() == "Seen.\n\n|  | s |\n| --- | --- |\n| a | 1 |"
    with pytest.raises(ValueError, match="2 heads"):
        Table(("", "s"), (("a",),))
    assert spread([1.0]) == "1.00"
    assert spread([3.0, 1.0, 2.0], 0) == "2 (1 to 3)"
    assert ratios([2.0, 9.0], [1.0, 3.0], 1) == "2.5 (2.0 to 3.0)"
    told: list[str] = []
    alternate({name: lambda name=name: told.append(name) for name in "ab"}, 2)
    assert told == ["a", "b", "b", "a"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d, \d+ cores of .+, \d+ GiB, Python 3\.[\d.]+", machine())


@pytest.mark.slow
def test_small_ones_run_and_give_tables() -> None:
    names = ["store", "reactions"]
    command = [sys.executable, "-m", "benchmarks", "--quick", *names]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert re.findall(r"^(\w+): 20", done.stdout, flags=re.MULTILINE) == names
    found = tables(done.stdout)
    assert len(found) == len(names)
    for lines in found:
        assert len(lines) >= 4
        assert len({line.count("|") for line in lines}) == 1
    refused = subprocess.run([*command, "plam"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert "plam" in refused.stderr
