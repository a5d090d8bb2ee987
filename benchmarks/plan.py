"""Plan a campaign of 10,000 sites, and of 1,000, and print the time a site and the growth of memory.

Run as ``python benchmarks/plan.py``. The ratio of the times a site says whether planning is linear.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path

from atomsieve.structures.campaign import parse_campaign
from atomsieve.workflows.campaigns import check
from atomsieve.workflows.folder import Folder
from atomsieve.workflows.plan import Planner

METALS = "Sc, Ti, V, Cr, Mn, Fe, Co, Ni, Cu, Zn, Y, Zr, Nb, Mo, Ru, Rh, Pd, Ag, Cd, Hf, Ta, W, Re, Os, Ir"


def campaign(vacuums: int) -> str:
    """Return a campaign file of 25 metals x 4 shells x 10 supercells x vacuums."""
    cells = ", ".join(f"{n}x{m}" for n in (4, 5) for m in (4, 5, 6, 7, 8))
    heights = ", ".join(str(15 + height) for height in range(vacuums))
    return f"""
name: large
sites:
  - family: graphene
    metals: [{METALS}]
    coordination: [N4, N3C1, N2C2-trans, N3]
    supercell: [{cells}]
    vacuum: [{heights}]
reactions: [ORR, OER, HER]
method: {{calculator: gfn1-xtb}}
"""


def main() -> None:
    """Print seconds, seconds a site, and peak memory for both sizes."""
    per_site = []
    with tempfile.TemporaryDirectory() as folder:
        for vacuums in (1, 10):
            checked = check(parse_campaign(campaign(vacuums), "large"), "large", Folder(Path(folder)))
            begin = time.process_time()
            plan = Planner(checked, None).plan()
            seconds = time.process_time() - begin
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 if sys.platform == "darwin" else 1024)
            per_site.append(seconds / plan.sites)
            print(f"{plan.sites:6,} sites: {seconds:6.1f} s, {1e3 * per_site[-1]:.2f} ms a site, peak {memory:.0f} MB")
    print(f"time a site at 10,000 against 1,000: {per_site[1] / per_site[0]:.2f}")


if __name__ == "__main__":
    main()
