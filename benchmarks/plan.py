"""Plan: graphene sites by the ten and the hundred thousand, in seconds and memory, and how the time grows.

All metals on every occupation of twelve first shells up to symmetry, bare and with one dopant at every place up to 8 Å.
Planning builds, validates, names and keys each site, and drops those that are the same by symmetry.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from atomsieve.builders.family import TRANSITION_METALS
from atomsieve.structures.campaign import parse_campaign
from atomsieve.workflows.campaign_check import check
from atomsieve.workflows.folder import Folder
from atomsieve.workflows.plan import Planner
from benchmarks.apart import apart, peak
from benchmarks.table import Table

SHELLS = "N4, N3C1, N2C2, N3S1, N3O1, N3P1, N3B1, N2S2, N2O2, N2P2, N2B2, N2C1, N3"
FILE = """\
name: large
sites:
  - family: graphene
    metals: [{metals}]
    coordination: [{shells}]
    supercell: 6x6
    dopants: [none, N@<8, B@<8, P@<8, S@<8]
reactions: [ORR, OER, HER]
method: {{calculator: gfn1-xtb}}
"""


def plan(metals: int, shells: str) -> tuple[int, float, float]:
    """Return the sites that a plan has, its CPU seconds, and the MB that the process had at most."""
    text = FILE.format(metals=", ".join(TRANSITION_METALS[:metals]), shells=shells)
    with tempfile.TemporaryDirectory() as folder:
        begin = time.process_time()
        made = Planner(check(parse_campaign(text, "large"), "large", Folder(Path(folder))), None).plan()
        return made.sites, time.process_time() - begin, peak()


def measure(quick: bool) -> Table:
    """Return seconds, milliseconds a site and memory at both sizes."""
    rows = []
    for metals in (1,) if quick else (3, len(TRANSITION_METALS)):
        sites, seconds, memory = apart(plan, metals, "N4" if quick else SHELLS)
        rows.append((f"{sites:,}", f"{seconds:,.1f}", f"{1e3 * seconds / sites:.2f}", f"{memory:,.0f}"))
    # the second costs less a site: more metals share what is found out about their host
    return Table(("sites", "CPU, s", "CPU, ms a site", "peak memory, MB"), tuple(rows), "On one core.")
