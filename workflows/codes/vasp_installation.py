"""Installation of VASP: where its potentials and its program are on a machine, and what is lacking."""

from __future__ import annotations

import os
import shlex
import shutil
from pathlib import Path
from typing import Final

import yaml

#: Where pymatgen and atomate2 look for the folder of potentials and the command, beside the environment.
PYMATGEN_FILES: Final = ("~/.config/.pmgrc.yaml", "~/.pmgrc.yaml")
ATOMATE2_FILE: Final = "~/.atomate2.yaml"
#: The command where nothing says another.
COMMAND: Final = "vasp_std"
MEND: Final = (
    "VASP is licensed software (vasp.at): put its potentials under <folder>/POT_GGA_PAW_PBE_54 ('pmg config -p' sorts "
    "them), set PMG_VASP_PSP_DIR=<folder>, and ATOMATE2_VASP_CMD to the command that runs it, as 'srun vasp_std'"
)


def missing() -> list[str]:
    """Return what VASP lacks on this machine: its potentials, its command."""
    lacks = []
    folder = os.environ.get("PMG_VASP_PSP_DIR") or _written(PYMATGEN_FILES, "PMG_VASP_PSP_DIR")
    if not folder:
        lacks.append("folder of potentials (PMG_VASP_PSP_DIR)")
    elif not Path(folder).expanduser().is_dir():
        lacks.append(f"folder of potentials {folder}")
    settings = os.environ.get("ATOMATE2_CONFIG_FILE", ATOMATE2_FILE)
    command = os.environ.get("ATOMATE2_VASP_CMD") or _written((settings,), "VASP_CMD") or COMMAND
    program = shlex.split(os.path.expandvars(command))[0]
    if shutil.which(program) is None:
        lacks.append(f"program {program} (ATOMATE2_VASP_CMD)")
    return lacks


def _written(names: tuple[str, ...], key: str) -> str:
    """Return the value of a key in the first settings file that is there."""
    for name in names:
        path = Path(name).expanduser()
        if path.is_file():
            found = yaml.safe_load(path.read_text(encoding="utf-8"))
            return str(found.get(key, "")) if isinstance(found, dict) else ""
    return ""
