"""Identity: content keys, which are the same wherever and whenever they are made.

A *request key* is known before anything runs; a *geometry key* is recorded afterwards, and verifies.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

#: Å to which positions and cells are rounded before they enter a geometry key.
GEOMETRY_DECIMALS = 3


def plain(value: Any) -> Any:
    """Reduce a value to what JSON knows, in one form only.

    Parameters
    ----------
    value : object
        Mappings with string keys, sequences, numpy numbers and arrays, strings, numbers, booleans, None.

    Returns
    -------
    object
        Dicts, lists, str, int, float, bool, None. A float that is a whole number becomes an int (``4.0`` and ``4`` are
        the same setting), and ``-0.0`` becomes ``0``.

    Raises
    ------
    ValueError
        For NaN and infinities.
    TypeError
        For anything else, which has no single form.
    """
    kind = type(value)
    if kind is str or kind is int or kind is bool or value is None:
        return value
    if kind is dict:
        if not all(type(key) is str for key in value):
            return _plain_mapping(value)
        return {key: plain(entry) for key, entry in value.items()}
    if kind is list or kind is tuple:
        return [plain(entry) for entry in value]
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        number = float(value)
        if not math.isfinite(number):
            raise ValueError(f"{number} cannot be part of an identity; only finite numbers can")
        return int(number) if number.is_integer() and abs(number) < 2**53 else number
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, Mapping):
        return _plain_mapping(value)
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    raise TypeError(f"{value!r} of type {type(value).__name__} cannot be part of an identity")


def _plain_mapping(value: Mapping[Any, Any]) -> dict[str, Any]:
    for key in value:
        if not isinstance(key, str):
            raise TypeError(f"key {key!r} cannot be part of an identity; only strings can")
    return {str(key): plain(entry) for key, entry in value.items()}


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def canonical(value: Any) -> str:
    """Return the one JSON text of a value: keys sorted, no spaces.

    Examples
    --------
    >>> canonical({"b": 4.0, "a": (-0.0, "x")})
    '{"a":[0,"x"],"b":4}'
    """
    return _ENCODER.encode(plain(value))


def content_key(kind: str, value: Any) -> str:
    """Return the key of a thing: sha256 of its kind and its canonical JSON.

    Parameters
    ----------
    kind : str
        What it is, so that two kinds of thing with the same content differ.
    value : object
        The content, see :func:`plain`.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    return hashlib.sha256(f"{kind}\n{canonical(value)}".encode()).hexdigest()


def geometry_key(numbers: Any, positions: Any, cell: Any, pbc: Any) -> str:
    """Return the key of a geometry, rounded to 0.001 Å.

    Parameters
    ----------
    numbers : array_like of int, shape (n,)
        Atomic numbers.
    positions : array_like of float, shape (n, 3)
        Å.
    cell : array_like of float, shape (3, 3)
        Å.
    pbc : array_like of bool, shape (3,)
        Periodic directions.
    """

    def rounded(array: Any) -> Any:
        return np.round(np.asarray(array, dtype=float), GEOMETRY_DECIMALS) + 0.0

    content = [np.asarray(numbers, dtype=int), rounded(positions), rounded(cell), [bool(p) for p in pbc]]
    return content_key("geometry", content)
