"""Watch: who is told how a run goes on, and the summary of what it did."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from atomsieve.workflows.checked import CheckedCampaign
    from atomsieve.workflows.funnel import Sifted
    from atomsieve.workflows.harvest import SiteRows


class Watch:
    """Who is told how a run goes on; this one keeps it to itself."""

    def started(self, name: str) -> None:
        """Hear that a calculation was sent to a worker."""

    def finished(self, name: str, task: str, output: dict[str, Any] | None) -> None:
        """Hear that a calculation ended; its output is a reference, or None if the job raised."""

    def site(self, label: str, rows: SiteRows | None, *, stored: bool) -> None:
        """Hear that a site is complete, or cannot be completed now (``rows`` is None)."""

    def stage(self, stage: CheckedCampaign, sites: int) -> None:
        """Hear that a stage begins, and how many sites enter it."""

    def passed(self, stage: CheckedCampaign, sifted: Sifted) -> None:
        """Hear that a stage has ended, and which sites pass on."""


@dataclass
class Summary:
    """What a run did.

    Parameters
    ----------
    entered : int
        Sites that were to be completed; at several stages, the sites of each.
    sites : int
        Those among them that are complete.
    stored : int
        Those among them that were complete before.
    computed, reused : int
        Calculations done now, and found done.
    failed : int
        Calculations that failed now.
    errors : dict of str to str
        Sites that could not be completed, with the error.
    seconds : float
        Wall time.
    """

    entered: int = 0
    sites: int = 0
    stored: int = 0
    computed: int = 0
    reused: int = 0
    failed: int = 0
    errors: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
