"""Campaigning: a campaign of the local engine from its text to its calculations."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from atomsieve.analysis.database import Database
from atomsieve.workflows.campaigns import load
from atomsieve.workflows.checked import CheckedCampaign
from atomsieve.workflows.runner import Runner
from atomsieve.workflows.settings import Settings
from atomsieve.workflows.watch import Summary


class Silent:
    """A watch that says nothing."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *arguments, **named: None


def checked_campaign(folder: Path, text: str) -> CheckedCampaign:
    """Return a campaign that keeps its results below a folder."""
    path = folder / "campaign.yaml"
    path.write_text(text, encoding="utf-8")
    return load(path, Settings(folder=folder / "data"))


def run(checked: CheckedCampaign, workers: int) -> Summary:
    """Run a campaign with the embedded database.

    Raises
    ------
    RuntimeError
        If a site could not be completed.
    """
    with Database.embedded(checked.folder.database) as database:
        summary = Runner(checked, database, workers, Silent()).run()
    if summary.errors:
        raise RuntimeError(str(summary.errors))
    return summary


def calculations(checked: CheckedCampaign) -> list[dict[str, Any]]:
    """Return the documents of all calculations of a campaign that has run."""
    with Database.embedded(checked.folder.database) as database:
        return list(database.calculations.query({}))
