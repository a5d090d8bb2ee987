"""Plan campaigns of about 10,000 and of more than 100,000 graphene sites; print seconds, memory and how time grows.

Run as ``python benchmarks/plan.py``, on one core. All metals on every occupation of twelve first shells up to symmetry,
bare and with one dopant at every place up to 8 Å. Planning builds, validates, names and keys each site, and drops
those that are the same by symmetry.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path

from atomsieve.builders.family import TRANSITION_METALS
from atomsieve.structures.campaign import parse_campaign
from atomsieve.workflows.campaigns import check
from atomsieve.workflows.folder import Folder
from atomsieve.workflows.plan import Planner

SHELLS = "N4, N3C1, N2C2, N3S1, N3O1, N3P1, N3B1, N2S2, N2O2, N2P2, N2B2, N2C1, N3"


def campaign(metals: int) -> str:
    """Return a campaign file with so many metals."""
    return f"""
name: large
sites:
  - family: graphene
    metals: [{", ".join(TRANSITION_METALS[:metals])}]
    coordination: [{SHELLS}]
    supercell: 6x6
    dopants: [none, N@<8, B@<8, P@<8, S@<8]
reactions: [ORR, OER, HER]
method: {{calculator: gfn1-xtb}}
"""


def main() -> None:
    """Print seconds, seconds a site, and peak memory for both sizes."""
    per_site = []
    with tempfile.TemporaryDirectory() as folder:
        for metals in (3, len(TRANSITION_METALS)):
            begin = time.process_time()
            checked = check(parse_campaign(campaign(metals), "large"), "large", Folder(Path(folder)))
            plan = Planner(checked, None).plan()
            seconds = time.process_time() - begin
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 if sys.platform == "darwin" else 1024)
            per_site.append(seconds / plan.sites)
            print(f"{plan.sites:7,} sites: {seconds:6.1f} s, {1e3 * per_site[-1]:.2f} ms a site, peak {memory:.0f} MB")
    # the second is smaller: more metals share what is found out about their host
    print(f"time a site, many against few: {per_site[1] / per_site[0]:.2f}")


if __name__ == "__main__":
    main()
