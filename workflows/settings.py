"""Settings: what belongs to the machine and the person, not to a campaign; from environment variables.

======================== ===========================================================================================
``ATOMSIEVE_FOLDER``      where results and the embedded database lie (default ``atomsieve-data`` in the current folder)
``ATOMSIEVE_MONGODB_URI`` a MongoDB server that takes the place of the embedded database
``ATOMSIEVE_MONGODB_DATABASE`` the database there (default ``atomsieve``)
``ATOMSIEVE_WORKERS``     processes of the local engine (default: one a core)
``ATOMSIEVE_WORKERS_FOLDER`` where the files lie that describe clusters (default ``~/.config/atomsieve/workers``)
``ATOMSIEVE_MACE_WEIGHTS`` full path of the weights for MACE, where a campaign names none
``ATOMSIEVE_FAIRCHEM_WEIGHTS`` full path of the weights for UMA (fairchem), where a campaign names none
``ATOMSIEVE_HEARTBEAT``   seconds between two signs of life of a calculation (default 10)
``ATOMSIEVE_LEASE``       seconds of silence after which another process may take a calculation over (default 60)
``ATOMSIEVE_PATIENCE``    seconds without a force call, or a file written, after which a process hangs (default 6 hours)
======================== ===========================================================================================
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from atomsieve.structures.errors import InputError


class Settings(BaseSettings):
    """What belongs to the machine and the person; each is an environment variable, ``ATOMSIEVE_FOLDER`` and so on.

    Parameters
    ----------
    folder : Path
        Where results lie.
    mongodb_uri : SecretStr, optional
        The server that results go to; without one they go into a file of the folder.
    mongodb_database : str
        Its database.
    workers : int, optional
        Processes of `atomsieve run`; one a core unless given.
    workers_folder : Path
        Where clusters are described.
    mace_weights, fairchem_weights : Path, optional
        Checkpoints of learned potentials.
    heartbeat : float
        Seconds between two signs of life of a process.
    lease : float
        Seconds without one after which it is taken for dead.
    patience : float
        Seconds without a force call or a file after which a calculation is taken to hang.
    """

    model_config = SettingsConfigDict(env_prefix="ATOMSIEVE_", frozen=True)

    folder: Path = Path("atomsieve-data")
    mongodb_uri: SecretStr | None = None
    mongodb_database: str = "atomsieve"
    workers: int | None = Field(default=None, ge=1, le=1024)
    workers_folder: Path = Path("~/.config/atomsieve/workers")
    mace_weights: Path | None = None
    fairchem_weights: Path | None = None
    heartbeat: float = Field(default=10.0, gt=0)
    lease: float = Field(default=60.0, gt=0)
    patience: float = Field(default=6 * 3600.0, gt=0)


#: The environment variables that are read.
NAMES = tuple(f"ATOMSIEVE_{name.upper()}" for name in Settings.model_fields)


def read_settings() -> Settings:
    """Read the settings from the environment.

    Raises
    ------
    InputError
        Names the variable, its value and what is wrong with it.
    """
    return _read(tuple(map(os.environ.get, NAMES)))


@lru_cache(maxsize=8)
def _read(values: tuple[str | None, ...]) -> Settings:
    # reading takes as long as all else around a calculation of a millisecond: once for each environment
    try:
        found = Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = f"ATOMSIEVE_{'_'.join(map(str, first['loc'])).upper()}"
        raise InputError(f"the environment variable {name} is {first['input']!r}: {first['msg'].lower()}") from None
    if found.lease < 2 * found.heartbeat:
        raise InputError(
            f"ATOMSIEVE_LEASE is {found.lease:g} s and ATOMSIEVE_HEARTBEAT {found.heartbeat:g} s: whoever misses one "
            "sign of life would be taken for dead; make the lease at least twice as long"
        )
    return found


def core_count() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
