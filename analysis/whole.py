"""Whole file or folder: written beside its place and renamed into it, so that nothing half-written is found there."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from atomsieve.structures.errors import InputError


@contextmanager
def whole_file(out: Path, *, private: bool = False) -> Iterator[Path]:
    """Give a path to write to; what lies there at the end takes its place, replacing what was there.

    Parameters
    ----------
    out : Path
        The place. Its folder is made where there is none.
    private : bool
        Whether nobody else may read it, not even while it is written.

    Raises
    ------
    InputError
        If a folder lies in the place.
    """
    if out.is_dir():
        raise InputError(f"{out} is a folder; name the file to write, as {out / 'results'}")
    partial = _beside(out)
    try:
        if private:
            os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        yield partial
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def whole_folder(out: Path) -> Iterator[Path]:
    """Give an empty folder to write to; with what lies in it at the end it takes its place.

    Parameters
    ----------
    out : Path
        The place.

    Raises
    ------
    InputError
        If something lies in the place.
    """
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise InputError(f"{out} is there already; name a new folder, or move that one away")
    partial = _beside(out)
    partial.mkdir()
    try:
        yield partial
        partial.replace(out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _beside(out: Path) -> Path:
    # the suffix stays, because some libraries tell a format by it
    out.parent.mkdir(parents=True, exist_ok=True)
    return out.with_name(f".{secrets.token_hex(4)}.{out.name}")
