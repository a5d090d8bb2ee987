"""Control: the commands by which a person looks into a campaign and steers it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.markup import escape

from atomsieve.analysis.database import Database
from atomsieve.workflows.campaigns import find, open_database
from atomsieve.workflows.folder import Folder
from atomsieve.workflows.printing import console, print_json
from atomsieve.workflows.settings import Settings, read_settings
from atomsieve.workflows.watching import failures as failed
from atomsieve.workflows.watching import inspection, monitor, steering
from atomsieve.workflows.watching.filtering import Filter


@contextmanager
def _looked_into(settings: Settings, folder: Folder, wanted: str | None) -> Iterator[Database | None]:
    """Open the database of a campaign, or give None where there is none yet: looking must not make one."""
    if settings.mongodb_uri is not None and wanted != "embedded":
        database = Database.mongodb(settings.mongodb_uri.get_secret_value(), settings.mongodb_database)
    elif folder.database.exists():
        database = Database.embedded(folder.database)
    else:
        yield None
        return
    with database:
        yield database


def one(file_or_name: str | None, letters: str, *, as_json: bool) -> None:
    """Show one calculation.

    Parameters
    ----------
    file_or_name : str or None
        The campaign that it belongs to; None to look among all.
    letters : str
        Its key, or the first letters of it.
    as_json : bool
        Print plain data.
    """
    settings = read_settings()
    name: str | None = None
    folder, wanted = Folder(settings.folder), None
    if file_or_name is not None:
        name, folder, wanted = monitor.located(file_or_name, settings)
    with _looked_into(settings, folder, wanted) as database:
        found = inspection.inspect(letters, database, folder, name)
        if as_json:
            print_json(found.to_dict())
            return
        handle = file_or_name or (found.tasks[0].campaign if found.tasks else "NAME")
        for line in inspection.lines(found, database, handle):
            console().print(escape(line), soft_wrap=True)


def failures(file_or_name: str, *, as_json: bool) -> None:
    """Say what failed in a campaign, why, and what to do."""
    settings = read_settings()
    checked = find(file_or_name, settings)
    with _looked_into(settings, checked.folder, checked.campaign.results.database) as database:
        groups = failed.grouped(failed.failed_tasks(database, checked.campaign.name)) if database is not None else []
    failed.show(groups, file_or_name, as_json=as_json)


def steer(
    command: str,
    file_or_name: str,
    chosen: Filter,
    worker: str | None,
    *,
    everything: bool = False,
    dry: bool = False,
    as_json: bool = False,
) -> None:
    """Retry, cancel, pause or resume calculations of a campaign."""
    settings = read_settings()
    checked = find(file_or_name, settings)
    database = open_database(checked.campaign, checked.folder, settings)
    if database.path is not None and not Path(database.path).exists():
        if as_json:
            print_json(steering.told(steering.ACTS[command], checked.campaign.name, (), dry=dry))
        else:
            console().print(f"nothing to {command}: {checked.campaign.name} was never run here")
        return
    with database:
        act = steering.ACTS[command]
        steering.steer(
            act,
            checked,
            database,
            settings,
            chosen,
            handle=file_or_name,
            worker=worker,
            everything=everything,
            dry=dry,
            as_json=as_json,
        )
