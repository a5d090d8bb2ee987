"""Reactions: what the analysis of 100,000 adsorption energies for all networks takes, and how many paths each has.

 The energies are made up, and a tenth of them is missing, as in a campaign. What is timed is what a harvest
does with rows: the limiting potential of each reaction on each site, as the document that is stored.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from atomsieve.analysis.electrode import limiting_potential
from atomsieve.analysis.surroundings import surroundings
from atomsieve.structures.campaign import parse_campaign
from atomsieve.structures.energies import AdsorptionEnergy, SiteLabel, Term
from atomsieve.structures.reaction import reactions
from atomsieve.workflows.campaign_check import check
from atomsieve.workflows.checked import CheckedCampaign
from atomsieve.workflows.folder import Folder
from benchmarks.table import Table

ROWS = 100_000
MISSING = 0.1
FILE = f"""
name: networks
sites:
  - {{family: graphene, metals: [Fe]}}
reactions: ["{'", "'.join(reactions())}"]
method: {{calculator: mock}}
thermochemistry: {{corrections: none}}
"""


def rows_of(checked: CheckedCampaign, number: int, chance: random.Random) -> dict[str, AdsorptionEnergy]:
    """Return the rows of one site, with energies at random."""
    site = SiteLabel(f"Fe-N4@graphene-{number}", f"site {number}", "graphene", ("Fe",))
    method = checked.policy.energy_method.to_dict()
    rows = {}
    for name in checked.campaign.all_adsorbates:
        calculations = {"clean": f"clean {number}", "adsorbed": f"{name} {number}", "H2": "H2", "H2O": "H2O"}
        found = chance.random() > MISSING
        terms = [Term(f"term {k}", "electronic", chance.gauss(0.0, 0.5), key) for k, key in enumerate(calculations)]
        considered = [{"key": key, "role": role, "status": "done"} for role, key in calculations.items()]
        rows[name] = AdsorptionEnergy(
            site=site,
            adsorbate=name,
            method=method,
            policy=checked.selections[name],
            terms=tuple(terms) if found else (),
            verdict="bound" if found else "desorbed",
            reason="Fe-O 1.82 Å" if found else "Fe-O 3.41 Å",
            calculations=calculations,
            considered=tuple(considered),
        )
    return rows


def analyse(checked: CheckedCampaign, everything: list[Mapping[str, AdsorptionEnergy]]) -> dict[str, tuple[float, int]]:
    """Return by reaction the seconds that all sites take, and on how many it is determined."""
    around = surroundings(checked.conditions)
    seconds: dict[str, tuple[float, int]] = {}
    for name, entry in reactions().items():
        begin, determined = time.process_time(), 0
        for rows in everything:
            first = rows[entry.adsorbates[0]]
            found = limiting_potential(
                entry, rows, site=first.site, method=first.method, conditions=checked.conditions, around=around
            )
            determined += found.to_dict()["limiting_potential"] is not None
        seconds[name] = time.process_time() - begin, determined
    return seconds


def measure(quick: bool) -> Table:
    """Return for each network its paths, on how many sites it is determined, and the CPU that it takes."""
    chance = random.Random(6)
    with tempfile.TemporaryDirectory() as folder:
        checked = check(parse_campaign(FILE, "networks"), "networks", Folder(Path(folder)))
        sites = -(-(500 if quick else ROWS) // len(checked.campaign.all_adsorbates))
        everything: list[Mapping[str, AdsorptionEnergy]] = [rows_of(checked, k, chance) for k in range(sites)]
        begin = time.process_time()
        for rows in everything:
            for row in rows.values():
                assert row.key
        keys = time.process_time() - begin
        seconds = analyse(checked, everything)
    number = sum(len(rows) for rows in everything)
    total = sum(time for time, _ in seconds.values()) + keys
    lines = []
    for name, (own, determined) in seconds.items():
        entry = reactions()[name]
        counts = f"{len(entry.paths)}", f"{len(entry.adsorbates)}", f"{determined / sites:.0%}"
        lines.append((name, *counts, f"{own:.1f}", f"{own / total:.0%}"))
    note = f"{number:,} rows of {sites:,} sites on one core: {total:.1f} s, of which {keys:.1f} s for their keys."
    return Table(("reaction", "paths", "adsorbates", "determined on", "CPU, s", "share"), tuple(lines), note)
