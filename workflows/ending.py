"""Ending: with which code a command ends, and what it says when something went wrong."""

from __future__ import annotations

import sys
import tempfile
import traceback
from collections.abc import Callable
from enum import IntEnum
from typing import Any

from typer.core import TyperGroup

from atomsieve.structures.errors import AtomsieveError, LeaseLostError, SchedulerError, StoreError
from atomsieve.workflows.streams import piped, spell_out


class Code(IntEnum):
    """What a script should make of the end of a command."""

    DONE = 0
    INCOMPLETE = 1
    REFUSED = 2
    AWAY = 3
    FAULT = 4
    STOPPED = 130


#: What each code means.
MEANING = {
    Code.DONE: "what was asked for is done, or shown",
    Code.INCOMPLETE: "done as far as it goes; something that was asked for failed, is missing, or is not in order",
    Code.REFUSED: "what was written (options, names, files, settings) cannot be used; nothing was done",
    Code.AWAY: "a database, a scheduler or a disk stands in the way; the same command may succeed later",
    Code.FAULT: "a fault of atomsieve itself; please report it",
    Code.STOPPED: "stopped with Ctrl-C; what was finished is kept",
}


#: What the system says of a path that is not what was meant.
_NAMED_WRONG = (FileNotFoundError, FileExistsError, NotADirectoryError, IsADirectoryError, PermissionError)


def code_of(error: BaseException) -> Code:
    """Return the code with which an error ends a command."""
    if isinstance(error, _NAMED_WRONG) or isinstance(error.__cause__, _NAMED_WRONG):
        return Code.REFUSED
    if isinstance(error, StoreError | SchedulerError | LeaseLostError | OSError):
        return Code.AWAY
    return Code.REFUSED if isinstance(error, AtomsieveError) else Code.FAULT


class Root(TyperGroup):
    """The command line as a whole: whoever reads it may go away, and a person may press Ctrl-C."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            with piped():
                return super().invoke(ctx)
        except KeyboardInterrupt:
            from atomsieve.workflows.printing import console

            console(stderr=True).print("stopped")
            raise


def ended(app: Callable[[], Any]) -> None:
    """Run the command line to its end; what a person can mend comes without a traceback.

    Parameters
    ----------
    app : callable
        The command line, which exits by itself unless something went wrong.
    """
    spell_out()
    try:
        with piped():
            app()
    except (AtomsieveError, OSError) as error:
        # the system's own words name the file
        complain(str(error))
        sys.exit(code_of(error))
    except Exception as error:
        _report(error)
        sys.exit(Code.FAULT)


def complain(text: str) -> None:
    """Say on the error output what is wrong."""
    from rich.markup import escape

    from atomsieve.workflows.printing import console

    console(stderr=True).print(f"[bold red]error:[/] {escape(text)}", soft_wrap=True)


def _report(error: Exception) -> None:
    """Say that it is our fault: a person gets a line and a file with the traceback, a log gets the traceback itself."""
    said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    lines = "".join(traceback.format_exception(error))
    if not sys.stderr.isatty():
        sys.stderr.write(lines)
        complain(f"{said}; this is a fault of atomsieve: please report it with the lines above")
        return
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", prefix="atomsieve-fault-", suffix=".txt", delete=False
    ) as file:
        file.write(lines)
    complain(f"{said}; this is a fault of atomsieve: please report it with {file.name}, which says where")
