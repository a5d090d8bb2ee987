"""LaunchPads: FireWorks' view of the database, opened so that nothing that lies there is executed."""

from __future__ import annotations

import logging
import os
from functools import cache
from typing import Any

import fireworks.core.launchpad
import fireworks.core.rocket
from fireworks import LaunchPad
from fireworks.utilities import fw_serializers

from atomsieve.structures.errors import InputError, StoreError, UntrustedError
from atomsieve.workflows.fireworks.fireworkflow import TASK
from atomsieve.workflows.fireworks.patience import is_outage
from atomsieve.workflows.settings import Settings

#: Fields by which fireworks, and workflows, are looked up.
FIREWORK_FIELDS = ("spec.campaign", "spec.key", "spec._fworker", "archived_launches")
WORKFLOW_FIELDS = ("metadata.campaign", "metadata.flow", "locked")

_load_object = fw_serializers.load_object


class NumberingLaunchPad(LaunchPad):  # type: ignore[misc]
    """A LaunchPad whose numbers are given out once, whoever asks at the same time.

    FireWorks takes the image before an increment for its own, which not every server warrants: with SecantusDB 0.7 two
    attempts got one number, and the launch of one took the place of the other's. A change of what was seen, and only of
    that, is safe everywhere.
    """

    def get_new_fw_id(self, quantity: int = 1) -> int:
        """Return the first of so many new numbers of fireworks."""
        return self._next("next_fw_id", quantity)

    def get_new_launch_id(self) -> int:
        """Return a new number of a launch."""
        return self._next("next_launch_id", 1)

    def _next(self, field: str, quantity: int) -> int:
        while True:
            seen = self.fw_id_assigner.find_one({})
            number = int(seen[field])
            unchanged = {"_id": seen["_id"], field: number}
            if self.fw_id_assigner.update_one(unchanged, {"$inc": {field: quantity}}).modified_count:
                return number


def open_launchpad(settings: Settings) -> Any:
    """Return the LaunchPad of the database that the settings name; opened once in a process.

    Raises
    ------
    InputError
        If they name none.
    StoreError
        If the database does not answer.
    """
    if settings.mongodb_uri is None:
        raise InputError("FireWorks needs a MongoDB server; set ATOMSIEVE_MONGODB_URI")
    try:
        return _opened(settings.mongodb_uri.get_secret_value(), settings.mongodb_database, os.getpid())
    except Exception as error:
        if not is_outage(error):
            raise
        # the words of an error may hold the URI, and with it a password
        name = settings.mongodb_database
        raise StoreError(f"MongoDB database {name!r} cannot be opened ({type(error).__name__})") from error


@cache
def _opened(uri: str, name: str, process: int) -> Any:
    del process  # a connection does not survive a fork
    _guard()
    launchpad = NumberingLaunchPad(
        host=uri,
        uri_mode=True,
        name=name,
        strm_lvl="WARNING",
        mongoclient_kwargs={"serverSelectionTimeoutMS": 5000},
    )
    if launchpad.fw_id_assigner.find_one({}) is None:
        # other than LaunchPad.reset, this deletes nothing, and may be done by two at once
        start = {"$setOnInsert": {"next_fw_id": 1, "next_launch_id": 1}}
        launchpad.fw_id_assigner.update_one({"_id": -1}, start, upsert=True)
        launchpad.tuneup()
    for field in FIREWORK_FIELDS:
        launchpad.fireworks.create_index(field)
    for field in WORKFLOW_FIELDS:
        launchpad.workflows.create_index(field)
    # a flow is there once, whoever adds it; a workflow that has ended gives its slot up
    launchpad.workflows.create_index("metadata.slot", unique=True, sparse=True)
    return launchpad


def _guard() -> None:
    """Have FireWorks load no class but our task from what lies in the database, in this process."""
    fw_serializers.DECODE_MONTY = False
    fw_serializers.load_object = _load_ours
    # a firework's files lie with its calculation, not in the folder where it was launched
    fireworks.core.rocket.PRINT_FW_JSON = False
    # several lines for each job, and again for whoever listens to all
    fireworks.core.rocket.ROCKET_STREAM_LOGLEVEL = "WARNING"
    for name in ("launchpad", "rocket.launcher"):
        logging.getLogger(name).propagate = False


def _load_ours(data: dict[str, Any]) -> Any:
    if data.get("_fw_name") != TASK:
        raise UntrustedError(f"a firework names the task {data.get('_fw_name')!r}, which is not ours")
    return _load_object(data)
