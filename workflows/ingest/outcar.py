"""OUTCAR: what its text says beside geometry and energy, gathered line by line."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

_TITLE = re.compile(r"^\s*TITEL\s*=\s*(.+?)\s*$")
_VALENCE = re.compile(r";\s*ZVAL\s*=\s*([0-9.]+)")
_SETTING = re.compile(r"^\s+(ENCUT|NELECT|NSW|NELM|IBRION|EDIFFG|ISPIN|KPOINTS|NUPDOWN)\s*=\s*([-+0-9.E]+)")
_MAGNETISATION = re.compile(r"^\s*number of electron\s+[-0-9.]+\s+magnetization\s+([-0-9.]+)")
_ECHO = re.compile(r"^\s+([A-Z][A-Z0-9_]*)\s*=\s*(.+?)\s*$")


@dataclass
class Outcar:
    """What an OUTCAR says of a run.

    Parameters
    ----------
    titles : list of str
        Of the POTCARs, in their order.
    valences : list of float
        Valence electrons of each.
    settings : dict of str to float
        As VASP took them.
    echo : dict of str to str
        The INCAR, which VASP 6 repeats.
    magnetisation : float or None
        Total, μB.
    steps : int
        Ionic steps.
    is_complete : bool
        It was written to its end.
    is_self_consistent : bool
        The last electronic loop reached its threshold.
    is_relaxed : bool
        The ionic loop reached its threshold.
    """

    titles: list[str] = field(default_factory=list)
    valences: list[float] = field(default_factory=list)
    settings: dict[str, float] = field(default_factory=dict)
    echo: dict[str, str] = field(default_factory=dict)
    magnetisation: float | None = None
    steps: int = 0
    is_complete: bool = False
    is_self_consistent: bool = False
    is_relaxed: bool = False


def scan(path: Path) -> Outcar:
    """Read an OUTCAR, plain or compressed, without holding it in memory."""
    from monty.io import zopen

    found = Outcar()
    in_echo = False
    with zopen(path, mode="rt", encoding="utf-8", errors="replace") as lines:
        for raw in lines:
            line = str(raw)
            if found.steps == 0:
                in_echo = _head(line, found, in_echo)
            if "Iteration" in line:
                found.is_self_consistent = False
            elif "aborting loop because EDIFF is reached" in line:
                found.is_self_consistent = True
            elif "FREE ENERGIE OF THE ION-ELECTRON SYSTEM" in line:
                found.steps += 1
            elif "reached required accuracy - stopping structural" in line:
                found.is_relaxed = True
            elif "General timing and accounting" in line:
                found.is_complete = True
            elif "magnetization" in line and (match := _MAGNETISATION.match(line)):
                found.magnetisation = float(match[1])
    return found


def _head(line: str, found: Outcar, in_echo: bool) -> bool:
    """Take what stands before the first step; return whether the next line is one of the repeated INCAR."""
    if line.strip() == "INCAR:":
        return True
    if in_echo:
        if match := _ECHO.match(line):
            found.echo[match[1]] = match[2]
            return True
        return False
    if match := _TITLE.match(line):
        found.titles.append(match[1])
    elif match := _VALENCE.search(line):
        found.valences.append(float(match[1]))
    elif match := _SETTING.match(line):
        found.settings.setdefault(match[1], float(match[2]))
    return False
