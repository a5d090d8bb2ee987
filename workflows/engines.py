"""Engines: all that a campaign can be submitted to, by name."""

from __future__ import annotations

from atomsieve.analysis.database import Database
from atomsieve.structures.errors import InputError, unknown
from atomsieve.workflows.engine import ENGINES, Engine
from atomsieve.workflows.settings import Settings


def open_engine(name: str, worker: str, database: Database, settings: Settings) -> Engine:
    """Return an engine.

    Parameters
    ----------
    name : {"fireworks", "jobflow-remote"}
        Which.
    worker : str
        Name of a cluster, or the path of the file that describes it.
    database : Database
        Connected.
    settings : Settings
        Of this machine.

    Raises
    ------
    InputError
        If there is no such engine or worker, or the database is a file that no other machine sees.
    """
    if name not in ENGINES:
        raise InputError(unknown(name, ENGINES, "engine"))
    if database.path is not None:
        raise InputError(
            f"{name} needs a MongoDB server that the cluster's nodes reach, and the database is the file "
            f"{database.path}; set ATOMSIEVE_MONGODB_URI (and results.database to mongodb, if the campaign names one), "
            "or run the campaign here: atomsieve run"
        )
    from atomsieve.workflows.clusters.cluster import read_worker

    described = read_worker(worker, settings)
    if name == "fireworks":
        from atomsieve.workflows.fireworks.launchpad import LaunchPadEngine

        return LaunchPadEngine(described, database, settings)
    try:
        from atomsieve.workflows.remote.engine import RemoteEngine
    except ModuleNotFoundError as error:
        raise InputError(f"jobflow-remote is not installed ({error}): pip install 'atomsieve[remote]'") from None

    return RemoteEngine(described, database, settings)
