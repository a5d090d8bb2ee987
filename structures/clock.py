"""Clock: the time that documents hold, UTC as a database gives it back, and spans of time as people read them."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Return the time now, in UTC and without a zone."""
    return datetime.now(UTC).replace(tzinfo=None)


def duration(seconds: float) -> str:
    """Return a time in the unit that fits.

    Examples
    --------
    >>> [duration(seconds) for seconds in (0.25, 40, 200, 9000, 400_000)]
    ['0.2 s', '40 s', '3 min', '2.5 h', '4.6 days']
    """
    if seconds < 10:
        return f"{max(0, seconds):.1f} s"
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 100 * 60:
        return f"{seconds / 60:.0f} min"
    if seconds < 72 * 3600:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 86400:.1f} days"
