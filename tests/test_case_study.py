"""The page of the case study says what its files hold, and limiting potentials there follow from free energies."""

from __future__ import annotations

import importlib.util
import sys
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import pytest

from atomsieve.structures.campaign import parse_campaign
from atomsieve.structures.reaction import reaction

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "case-study.md"


@pytest.fixture(scope="module")
def tables() -> ModuleType:
    spec = importlib.util.spec_from_file_location("case_study_tables", PAGE.with_suffix("") / "tables.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_the_tables_of_the_page_are_those_of_the_files(tables: ModuleType) -> None:
    page = PAGE.read_text(encoding="utf-8").splitlines()
    for name, lines in tables.tables().items():
        first = next((at for at in range(len(page)) if page[at : at + len(lines)] == lines), None)
        assert first is not None, "\n".join([f"{name} is not on the page:", *lines])
        assert page[first + len(lines)] == "", name


def test_limiting_potentials_follow_from_the_free_energies(tables: ModuleType) -> None:
    """ΔG of each step by hand: the largest one of a reduction, and of an oxidation, sets U_L."""
    seen = 0
    total = 4 * reaction("ORR").equilibrium_potential
    for method in tables.METHODS:
        for site, rows in tables.of(method).items():
            for name, row in rows.items():
                own = ("H",) if name == "HER" else ("OH", "O", "OOH")
                free = [tables.number(row[f"free_{adsorbate}"]) for adsorbate in own]
                found = tables.number(row["limiting_potential"])
                if None in free:
                    assert found is None, (method, site, name)
                    continue
                if name == "HER":
                    expected, overpotential = -abs(free[0]), abs(free[0])
                else:
                    rising = [0.0, *free, total]
                    steps = [after - before for before, after in pairwise(rising)]
                    expected = min(steps) if name == "ORR" else max(steps)
                    overpotential = abs(expected - total / 4)
                assert found == pytest.approx(expected, abs=1e-4), (method, site, name)
                assert tables.number(row["overpotential"]) == pytest.approx(overpotential, abs=1e-4)
                seen += 1
    assert seen > 10


def test_the_study_is_of_the_examples(tables: ModuleType) -> None:
    """No method has a site that the campaign does not name, or that the first stage lacks."""
    campaign = parse_campaign((ROOT / "examples" / "case-study.yaml").read_text(encoding="utf-8"), "case-study.yaml")
    assert [stage.name for stage in campaign.stages] == ["screen", "refine"]
    sites = {site for method in tables.METHODS for site in tables.of(method)} | set(tables.free("gpaw", "OH"))
    for site in sites:
        tables.order(site)
    assert sites <= set(tables.of("gfn1-xtb"))
