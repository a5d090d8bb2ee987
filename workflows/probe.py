"""Probe: one tiny calculation by one calculator, in a process of its own, which may hang or crash.

The process is ``python -m atomsieve.workflows.probe NAME``; the last line that it prints is JSON.
"""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from atomsieve.structures.errors import CalculationError
from atomsieve.workflows.pool import THREADS

#: What is calculated: every calculator knows hydrogen.
MOLECULE = "H2"


def probe(name: str, timeout: float) -> tuple[bool, str]:
    """Let a calculator calculate in another process.

    Parameters
    ----------
    name : str
        In the table of calculators.
    timeout : float
        Seconds until the process, and all that it started, is killed.

    Returns
    -------
    works : bool
        Whether an energy and forces came out.
    text : str
        What came out, or the last words of the process.
    """
    command = [sys.executable, "-P", "-m", "atomsieve.workflows.probe", name]
    with (
        # what is killed may still write here
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            cwd=folder,
            env={**os.environ, **THREADS},
            start_new_session=True,
        ) as process,
    ):
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            return False, f"no answer in {timeout:g} s"
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    if process.returncode == 0:
        answer = json.loads(out.strip().splitlines()[-1])
        return True, f"{MOLECULE}: {answer['energy']:.3f} eV in {answer['seconds']:.1f} s"
    words = [line.strip() for line in err.splitlines() if line.strip()]
    how = f"signal {-process.returncode}" if process.returncode < 0 else f"exit code {process.returncode}"
    return False, words[-1] if words else f"it ended with {how} and no word"


def evaluate(name: str, directory: Path) -> dict[str, float]:
    """Return energy (eV) and wall time (s) of the molecule, loading of the calculator included.

    Raises
    ------
    CalculationError
        If the energy or the forces are no numbers.
    """
    from atomsieve.structures.molecule import molecule
    from atomsieve.workflows.calculators import calculator
    from atomsieve.workflows.optimization import optimize
    from atomsieve.workflows.order import Order

    entry, gas = calculator(name), molecule(MOLECULE)
    clock = time.perf_counter()
    order = Order(
        settings={**entry.method({}).physics, **entry.numerics({})},
        multiplicity=gas.multiplicity if entry.knows_spin else None,
        charge=0,
        directory=directory,
        fmax=0.05,
        steps=0,
    )
    if entry.program is not None:
        result = entry.program(order, gas.atoms)
    else:
        assert entry.calculator is not None
        result = optimize(entry.calculator, order, gas.atoms)
    if not (math.isfinite(result.energy) and np.isfinite(result.forces).all()):
        raise CalculationError(f"energy {result.energy} eV, forces {result.forces.tolist()} eV/Å")
    return {"energy": result.energy, "seconds": time.perf_counter() - clock}


if __name__ == "__main__":
    sys.stdout.write("\n" + json.dumps(evaluate(sys.argv[1], Path.cwd())) + "\n")
