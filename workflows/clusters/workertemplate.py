"""Workertemplate: a file that describes a cluster to start from, every key explained."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

from atomsieve.structures.errors import InputError
from atomsieve.structures.section import NAME
from atomsieve.workflows.settings import core_count, read_settings

TEMPLATE = """\
# A cluster for atomsieve.  Try it, step by step:       atomsieve doctor --worker {name}
#                           Run a campaign there:       atomsieve submit FILE --engine fireworks --worker {name}
name: {name}

# Who starts jobs: slurm, pbs (OpenPBS, PBS Pro), sge, or none: processes of this machine.
scheduler: {scheduler}

# Where results, checkpoints and logs lie: on a file system that all nodes and this machine share, with room, and kept.
folder: {folder}

# An interpreter on the nodes that can import atomsieve.
python: {python}

# Lines of shell before and after the work, in the job script: modules, paths, limits.
setup: |
  # module load vasp/6.4
  # ulimit -s unlimited
teardown: ""

# Variables for the work, as codes and calculators want them.
environment: {{}}
#   ATOMSIEVE_MACE_WEIGHTS: /shared/models/mace.model

# Credentials are never written here.  They go into a file of their own, NAME='value' a line, which the nodes read:
#   umask 077; echo "ATOMSIEVE_MONGODB_URI='mongodb://...'" > ~/.config/atomsieve/secrets.sh
# secrets: ~/.config/atomsieve/secrets.sh   # mode 600

# A folder on the node's own disk for temporary files; variables are those of the node.
# scratch: /tmp/$USER

# The login node, where this machine does not see the folder above.  For the engine jobflow-remote alone.
# host: {{host: login.cluster.org, user: me}}

# Kinds of allocations.  A calculator goes to the kind that names it; DFT that none names to `dear`, all others to
# `cheap`.  Each further kind needs its calculators.
kinds:
  cheap:                      # mock, emt, xTB, learned potentials: several calculations share an allocation
    # queue: short            # partition or queue; the scheduler's default unless given
    # account: myproject      # who pays
    walltime: "{cheap_walltime}"    # HH:MM:SS or D-HH:MM:SS; work goes on in the next allocation where it stopped
    nodes: 1
    cores: {cores}                  # of each node
    # memory: 4 GB            # of each node; the queue's default unless given
    workers: {cores}                # processes, each with a calculation of its own: at most one a core
    jobs: 2                   # allocations at most, queued and running
    margin: 60                # seconds before the end at which checkpoints are written
    idle: 300                 # seconds without a calculation after which a process ends
    # options: ["--constraint=haswell"]   # lines for the scheduler, verbatim
    # calculators: [gfn1-xtb, mace]
  dear:                       # DFT: one calculation an allocation
    # queue: long
    walltime: "{dear_walltime}"
    nodes: 1
    cores: {cores}
    workers: 1
    jobs: 10
    margin: 600               # time for the SCF step in hand, and to write the checkpoint
    # calculators: [vasp]
"""


def write_worker(name_or_path: str) -> Path:
    """Write a file that describes a cluster, with what can be seen of this machine.

    Parameters
    ----------
    name_or_path : str
        A name, for the settings' folder of workers; or a path that ends with ``.yaml``.

    Raises
    ------
    InputError
        If the name cannot be a worker's, or the file exists.
    """
    path = Path(name_or_path).expanduser()
    if path.suffix != ".yaml":
        path = read_settings().workers_folder.expanduser() / f"{name_or_path}.yaml"
    name = path.stem
    if not re.fullmatch(NAME, name) or (path.suffix == ".yaml" and "/" in name):
        raise InputError(f"{name!r} is not a name; allowed: up to 64 letters, digits, dots, dashes, underscores")
    scheduler = _scheduler()
    text = TEMPLATE.format(
        name=name,
        scheduler=scheduler,
        folder=Path("atomsieve-data").absolute(),
        python=sys.executable,
        cores=core_count() if scheduler == "none" else 16,
        cheap_walltime="12:00:00",
        dear_walltime="2-00:00:00",
    )
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise InputError(f"{path} exists; choose another name, or remove it") from None
    return path


def _scheduler() -> str:
    """Return the scheduler whose commands are on this machine."""
    if shutil.which("sbatch"):
        return "slurm"
    if shutil.which("qsub"):
        return "sge" if shutil.which("qconf") else "pbs"
    return "none"
