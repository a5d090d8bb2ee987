"""The command: run benchmarks, print their tables, and put them into docs/performance.md.

python -m benchmarks                    all of them, an hour or more; the page is written after each
python -m benchmarks overhead start     these alone
python -m benchmarks --quick            small ones, in a minute, to see whether they run; the page is left alone
"""

from __future__ import annotations

import argparse
import os
import time
from importlib import import_module

from benchmarks.apart import apart
from benchmarks.page import PAGE, with_table
from benchmarks.table import Table, machine

#: What there is, the quick ones first; each is a module with a function `measure`.
NAMES = (
    "start",
    "store",
    "reactions",
    "status",
    "plan",
    "rerun",
    "overhead",
    "efficiency",
    "pull",
    "memory",
    "chain",
    "adsorption",
)


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; all unless given")
    parser.add_argument("--quick", action="store_true", help="small sizes, to see whether it runs")
    given = parser.parse_args()
    if unknown := [name for name in given.names if name not in NAMES]:
        parser.error(f"unknown: {', '.join(unknown)}; allowed: {', '.join(NAMES)}")
    # numbers of one thread a process, as the engine runs its workers
    os.environ["OMP_NUM_THREADS"] = "1"
    for name in given.names or NAMES:
        begin = time.perf_counter()
        table: Table = apart(import_module(f"benchmarks.{name}").measure, given.quick)
        seconds, load = time.perf_counter() - begin, os.getloadavg()[2]
        # what else the machine did, by the processes that wanted a core in the last quarter of an hour
        line = f"{machine()}; beside other work, load {load:.0f}; {seconds:.0f} s in all."
        text = f"{line}\n{'' if table.note else chr(10)}{table.markdown()}"
        print(f"{name}: {text}\n", flush=True)
        if not given.quick:
            page = PAGE.read_text(encoding="utf-8")
            PAGE.write_text(with_table(page, name, text), encoding="utf-8")


if __name__ == "__main__":
    main()
