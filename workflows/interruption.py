"""Interruption: the wish that the calculation of this process stops soon, where it can be continued later.

It is made known by a signal handler, or by a heartbeat that found the calculation cancelled. The next force call sees
it: the checkpoint is written, and :class:`~atomsieve.structures.errors.Interrupted` goes up through
:func:`~atomsieve.workflows.relaxation.settle`. No failure is recorded, and the next attempt goes on from there. An
evaluation at one geometry has nothing to go on from, and is finished instead.

Programs with an optimiser of their own (VASP) do not see it. They run on until they end, or are killed with the
process; what they made of that is then no failure either, and the next attempt goes on from the last geometry that they
wrote.
"""

from __future__ import annotations

import signal
from typing import Any

from atomsieve.structures.errors import Interrupted

_reason: str | None = None


def request(reason: str) -> None:
    """Ask the calculation of this process to stop; may be called from a signal handler and from any thread.

    Parameters
    ----------
    reason : str
        Why, in a few words, as ``the allocation ends``.
    """
    global _reason
    _reason = reason


def requested() -> str | None:
    """Return why the calculation is to stop, None if it is not."""
    return _reason


def clear() -> None:
    """Withdraw the wish: what is begun from now on is not meant by it."""
    global _reason
    _reason = None


def check() -> None:
    """Stop here if that was asked for.

    Raises
    ------
    Interrupted
        With the reason.
    """
    if _reason is not None:
        raise Interrupted(_reason)


def on_signals(**reasons: str) -> None:
    """Have signals ask the calculation to stop; only the main thread may set their handlers.

    Parameters
    ----------
    **reasons : str
        What each signal says, as ``SIGTERM="the worker is asked to end"``.
    """
    for name, reason in reasons.items():

        def handle(number: int, frame: Any, reason: str = reason) -> None:
            request(reason)

        signal.signal(signal.Signals[name], handle)
