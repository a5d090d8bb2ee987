"""Discretion: texts without what belongs to one machine or one person: paths, addresses, passwords."""

from __future__ import annotations

import re
from typing import Any, Final

#: An address of which more is said than where a page lies: its user, its host and its port.
_ADDRESS: Final = re.compile(r"\b(?!https?://(?![^\s/]*@))[A-Za-z][\w+.-]*://[^\s'\"<>]+")
#: A path from the root or from somebody's home, of two folders or more; its last part says enough.
_PATH: Final = re.compile(r"(?<![\w/:.\]})])~?(?:/[\w.@+%=~-]+)+/([\w.@+%=~-]+)/?")


def discreet(value: Any) -> Any:
    """Return plain data in which no text names a folder of a machine, or an address with what opens it.

    Parameters
    ----------
    value : any
        Plain data: mappings, lists, texts, numbers.

    Returns
    -------
    any
        The same; of a path its last part is left, of an address the word ``(address)``.
    """
    if isinstance(value, str):
        return _text(value) if "/" in value else value
    if isinstance(value, dict):
        return {key: discreet(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [discreet(entry) for entry in value]
    return value


def _text(text: str) -> str:
    return _PATH.sub(r"\1", _ADDRESS.sub("(address)", text))
