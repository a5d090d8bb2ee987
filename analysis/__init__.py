"""Pure functions of stored records, and the database they are pushed to and pulled from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from atomsieve.analysis.results.results import Results

__all__ = ["Results"]


def __getattr__(name: str) -> Any:
    # what opens databases takes a second to import, and most of what lies here needs none of it
    if name == "Results":
        from atomsieve.analysis.results.results import Results

        return Results
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
