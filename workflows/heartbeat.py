"""Heartbeat: one thread of this process that gives signs of life while the main thread is busy in a calculator.

A beat that raises is logged, and beats again: a full disk, or a file system that hiccups, must not end it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable

from atomsieve.workflows.settings import read_settings

#: Given the seconds since the last one, of which none count that this process was stopped for.
Beat = Callable[[float], None]

_lock = threading.Lock()
_beats: list[Beat] = []
_thread: threading.Thread | None = None


def add(beat: Beat) -> None:
    """Have something done every ``ATOMSIEVE_HEARTBEAT`` seconds; more often where patience is short."""
    global _thread
    with _lock:
        _beats.append(beat)
        if _thread is None:
            _thread = threading.Thread(target=_run, name="heartbeat", daemon=True)
            _thread.start()


def remove(beat: Beat) -> None:
    """Have it done no more; one that is under way may still end."""
    with _lock, contextlib.suppress(ValueError):
        _beats.remove(beat)


def _run() -> None:
    last = time.monotonic()
    while True:
        settings = read_settings()
        interval = min(settings.heartbeat, settings.patience / 4)
        time.sleep(interval)
        now = time.monotonic()
        # time that the process was stopped for says nothing about what it does
        elapsed, last = min(now - last, 2 * interval), now
        with _lock:
            beats = list(_beats)
        for beat in beats:
            try:
                beat(elapsed)
            except Exception:
                logging.getLogger(__name__).warning("a sign of life could not be given", exc_info=True)


def _forget() -> None:
    """Leave a forked process without beats: it has no such thread, and holds nothing of what its parent does."""
    global _lock, _thread
    _lock, _thread = threading.Lock(), None
    _beats.clear()


os.register_at_fork(after_in_child=_forget)
