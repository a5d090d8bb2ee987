"""Turn: the right to run a campaign in a folder on this machine, held by one process at a time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from atomsieve.structures.errors import InputError
from atomsieve.workflows.folder import Folder, keep_private


@contextmanager
def running(folder: Folder, name: str) -> Iterator[None]:
    """Hold the right to run a campaign in a folder; the kernel gives it back, however this process ends.

    Raises
    ------
    InputError
        If another process holds it.
    """
    keep_private()
    folder.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder.root / f"{name}.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(
                f"campaign {name!r} is running already in {folder.root} (process {path.read_text() or 'unknown'}); "
                f"follow it with `atomsieve status {name}`"
            ) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())
        yield
    finally:
        os.close(descriptor)


def is_running(folder: Folder, name: str) -> bool:
    """Return whether some process runs a campaign in a folder now."""
    try:
        descriptor = os.open(folder.root / f"{name}.lock", os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
