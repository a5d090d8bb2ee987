"""Why calculations fail: what schedulers, systems and codes say is told apart, and each has its class and its fix."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pymongo
import pytest
from ase.build import molecule

from atomsieve.structures.errors import FailureClass
from atomsieve.workflows.watching.causes import UNKNOWN, causes, classify

#: As the scheduler prints them, with its state where it knows one.
SCHEDULERS = [
    (
        "slurmstepd: error: *** JOB 123 ON node1 CANCELLED AT 2026-03-04T05:06:07 DUE TO TIME LIMIT ***",
        "TIMEOUT",
        "walltime",
    ),
    ("slurmstepd: error: *** JOB 123 ON node1 CANCELLED AT 2026-03-04T05:06:07 DUE TO TIME LIMIT ***", "", "walltime"),
    ("", "TIMEOUT", "walltime"),
    ("", "DEADLINE", "walltime"),
    # without cgroups Slurm calls it FAILED, exit code 0:9
    ("slurmstepd: error: Job 77 exceeded memory limit (104 > 100), being killed", "FAILED", "memory limit"),
    ("slurmstepd: error: StepId=77.0 exceeded memory limit (9123456 > 4194304), being killed", "", "memory limit"),
    (
        "slurmstepd: error: Detected 1 oom-kill event(s) in StepId=14603.batch cgroup. Some of your processes may have "
        "been killed by the cgroup out-of-memory handler.",
        "OUT_OF_MEMORY",
        "memory limit",
    ),
    ("srun: error: node03: task 0: Out Of Memory", "", "memory limit"),
    ("", "OUT_OF_ME+", "memory limit"),
    (
        "slurmstepd: error: *** JOB 5 ON node02 CANCELLED AT 2026-03-04T05:06:07 DUE TO PREEMPTION ***",
        "PREEMPTED",
        "preempted",
    ),
    (
        "slurmstepd: error: *** JOB 5 ON n2 CANCELLED AT 2026-03-04T05:06:07 DUE TO NODE FAILURE, SEE SLURMCTLD LOG "
        "FOR DETAILS ***",
        "NODE_FAIL",
        "node failure",
    ),
    ("srun: error: Node failure on node02", "", "node failure"),
    ("", "BOOT_FAIL", "node failure"),
    ("slurmstepd: error: *** JOB 5 ON n2 CANCELLED AT 2026-03-04T05:06:07 DUE TO JOB REQUEUE ***", "", "requeued"),
    ("slurmstepd: error: *** JOB 5 ON node02 CANCELLED AT 2026-03-04T05:06:07 ***", "CANCELLED", "stopped"),
    ("", "CANCELLED by 1000", "stopped"),
    ("sbatch: error: Batch job submission failed: Invalid partition name specified", "", "refused by the scheduler"),
    ("sbatch: error: Batch job submission failed: Invalid account or account/partition combination specified", "",
     "refused by the scheduler"),
    ("=>> PBS: job killed: walltime 3632 exceeded limit 3600", "", "walltime"),
    ("=>> PBS: job killed: mem 2120496kb exceeded limit 2097152kb", "", "memory limit"),
]  # fmt: skip

#: As Python, the system and the engines say it.
MACHINES = [
    ("MemoryError", "memory"),
    ("terminate called after throwing an instance of 'std::bad_alloc'", "memory"),
    ("torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 MiB", "memory"),
    ("forrtl: severe (41): insufficient virtual memory", "memory"),
    ("ModuleNotFoundError: No module named 'tblite'", "module missing"),
    ("cp2k.psmp: error while loading shared libraries: libxc.so.9: cannot open shared object file", "module missing"),
    ("/bin/bash: line 1: vasp_std: command not found", "program missing"),
    ("VASP cannot run here: there is no vasp_std; load its module", "program missing"),
    ("the worker process died (signal 9) 3 times; see workers.log", "killed"),
    ("the worker process died (signal 11) 3 times; see workers.log", "crashed"),
    ("the worker process died (exit code 1) 3 times; see workers.log", "terminated"),
    ("Program received signal SIGSEGV: Segmentation fault - invalid memory reference.", "crashed"),
    ("no force call for 21600 s; the attempt was ended", "hang"),
    ("pymongo.errors.AutoReconnect: connection closed", "database away"),
    ("pymongo.errors.DocumentTooLarge: 'update' command document too large", "document too large"),
    ("BSON document too large (17000000 bytes) - the connected server supports BSON document sizes up to 16793598 "
     "bytes.", "document too large"),
]  # fmt: skip

#: As the codes say it, or we of them.
CODES = [
    ("gpaw.KohnShamConvergenceError: Did not converge!  See text output for help.", "SCF in GPAW"),
    ("the SCF of GPAW does not converge (Did not converge!  See text output for help.); mix less", "SCF in GPAW"),
    (" *** WARNING in qs_scf.F:598 :: SCF run NOT converged ***", "SCF in CP2K"),
    ("CP2K stopped: Cholesky decompose failed: the matrix is not positive definite", "SCF in CP2K"),
    ("     convergence NOT achieved after 100 iterations: stopping", "SCF in Quantum ESPRESSO"),
    ("     Error in routine c_bands (1):\n     too many bands are not converged", "SCF in Quantum ESPRESSO"),
    ("     Error in routine cdiaghg (159):\n     problems computing cholesky", "SCF in Quantum ESPRESSO"),
    ("CalculationFailed: SCF not converged in 250 cycles", "SCF in xTB"),
    ("custodian gave up: Unrecoverable error for handler: <custodian.vasp.handlers.UnconvergedErrorHandler object>",
     "SCF in VASP"),
    ("custodian gave up: Max errors per job reached: 5.", "custodian"),
    ("not self-consistent after 200 electronic steps", "SCF in VASP"),
    ("energy nan eV, largest force nan eV/Å", "not a number"),
    ("energy inf eV, largest force 1.0 eV/Å", "not a number"),
    ("LinAlgError: Array must not contain infs or NaNs", "not a number"),
    ("largest force 0.512 eV/Å after 300 steps, 0.05 wanted; raise max_steps", "steps"),
    ("the calculator refuses its input: Too close interatomic distances found", "input refused"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "state", "name"), SCHEDULERS, ids=range(len(SCHEDULERS)))
def test_what_schedulers_say(text: str, state: str, name: str) -> None:
    assert classify(text, state).name == name


@pytest.mark.parametrize(("text", "name"), [*MACHINES, *CODES], ids=range(len(MACHINES) + len(CODES)))
def test_what_systems_and_codes_say(text: str, name: str) -> None:
    assert classify(text).name == name
    # within a traceback, with other output around it, and in a job that the scheduler thinks ended by itself
    around = f'Traceback (most recent call last):\n  File "x.py", line 1, in f\n{text}\n(end of the log)'
    assert classify(around, "FAILED").name == name


@pytest.mark.parametrize(
    ("number", "name"),
    [
        (errno.ENOSPC, "disk full"),
        (errno.EDQUOT, "disk full"),
        (errno.ESTALE, "file system"),
        (errno.EIO, "file system"),
        (errno.EROFS, "file system"),
        (errno.ENOMEM, "memory"),
        (errno.EMFILE, "too many files"),
        (errno.EACCES, "not permitted"),
    ],
)
def test_errors_of_the_system_as_they_are_raised(number: int, name: str) -> None:
    assert classify(repr(OSError(number, os.strerror(number)))).name == name
    assert classify(f"OSError: {OSError(number, os.strerror(number), '/scratch/a')}").name == name


def test_errors_of_libraries_as_they_are_raised() -> None:
    with pytest.raises(MemoryError) as caught:
        np.zeros((10**7, 10**7))
    assert classify(f"{type(caught.value).__name__}: {caught.value}").name == "memory"
    with (
        pymongo.MongoClient("mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=100") as client,
        pytest.raises(pymongo.errors.PyMongoError) as away,
    ):
        client.admin.command("ping")
    assert classify(f"{type(away.value).__name__}: {away.value}").name == "database away"


@pytest.mark.xtb
def test_errors_of_xtb_as_they_are_raised() -> None:
    from ase.calculators.calculator import CalculatorError
    from tblite.ase import TBLite

    atoms = molecule("C6H6")
    atoms.calc = TBLite(method="GFN2-xTB", max_iterations=2, verbosity=0)
    with pytest.raises(CalculatorError) as caught:
        atoms.get_potential_energy()
    assert classify(str(caught.value)).name == "SCF in xTB"
    atoms.positions[1] = atoms.positions[0]
    atoms.calc = TBLite(method="GFN2-xTB", verbosity=0)
    with pytest.raises(CalculatorError) as caught:
        atoms.get_potential_energy()
    assert classify(str(caught.value)).name == "input refused"


def test_every_message_of_vasp_that_custodian_knows_has_a_cause() -> None:
    from custodian.vasp.handlers import StdErrHandler, VaspErrorHandler

    said = {message: name for table in (VaspErrorHandler, StdErrHandler) for name, found in table.error_msgs.items()
            for message in found}  # fmt: skip
    assert len(said) > 50
    assert [message for message in said if classify(f" |  {message}  |").name == UNKNOWN] == []
    assert classify("Allocation would exceed memory limit").failure_class is FailureClass.MORE_MEMORY


@pytest.mark.skipif(shutil.which("pw.x") is None, reason="no Quantum ESPRESSO")
def test_what_quantum_espresso_prints(tmp_path: Path) -> None:
    (tmp_path / "in").write_text(
        "&control\n calculation='scf', pseudo_dir='/usr/share/espresso/pseudo', outdir='tmp'\n/\n"
        "&system\n ibrav=1, celldm(1)=12, nat=1, ntyp=1, ecutwfc=20\n/\n&electrons\n electron_maxstep=1\n/\n"
        "ATOMIC_SPECIES\nN 14 N.pbe-n-kjpaw_psl.1.0.0.UPF\nATOMIC_POSITIONS\nN 0 0 0\nK_POINTS gamma\n",
        encoding="utf-8",
    )
    done = subprocess.run(
        ["pw.x", "-in", "in"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"},
    )
    if "psl.1.0.0.UPF not found" in done.stdout:
        pytest.skip("no pseudopotentials")
    # it is odd in electrons, or does not converge in one step: both are said by a real run
    assert classify(done.stdout + done.stderr).name == "SCF in Quantum ESPRESSO"


def test_every_cause_says_what_to_do() -> None:
    for cause in causes().values():
        assert cause.cause
        assert cause.fix
        assert not cause.fix.endswith(".")
        assert len(cause.cause) < 110
    assert [*causes()][-1] == UNKNOWN


def test_what_nobody_knows_is_unknown() -> None:
    assert classify("").name == UNKNOWN
    assert classify("ValueError: operands could not be broadcast together").name == UNKNOWN
    # a log that was long ago in trouble is judged by its end
    assert classify("MemoryError\n" + "all is well\n" * 5000).name == UNKNOWN
