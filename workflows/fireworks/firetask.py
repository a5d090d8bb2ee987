"""JobTask: what FireWorks knows of a firework of ours: that it runs one jobflow job."""

from __future__ import annotations

import signal
import threading
from collections.abc import Mapping
from typing import Any

from fireworks import FiretaskBase, FWAction

from atomsieve.workflows import interruption
from atomsieve.workflows.fireworks.firerun import WARNING, FireRun
from atomsieve.workflows.fireworks.fireworkflow import TASK
from atomsieve.workflows.fireworks.joberror import JobError
from atomsieve.workflows.settings import read_settings


class JobTask(FiretaskBase):  # type: ignore[misc]
    """Runs one job.

    Parameters
    ----------
    job : str or dict
        The job as MSON text, or the reference to it where it is too large for a document. FireWorks decodes neither.
    """

    _fw_name = TASK
    required_params = ("job",)
    fw_id: int
    launchpad: Any
    fworker: Any

    def run_task(self, fw_spec: Mapping[str, Any]) -> FWAction:
        """Run it, and return what FireWorks does next.

        Raises
        ------
        JobError
            If there is no output.
        """
        settings = read_settings()
        listen()
        try:
            # the error that FireWorks stores must hold no URI
            return FireRun(self, fw_spec, settings).run()
        except JobError:
            raise
        except Exception as error:
            raise JobError.of(error) from None


def listen() -> None:
    """Have signals that an allocation ends ask the calculation to stop, unless somebody listens already."""
    if threading.current_thread() is threading.main_thread():
        names = [name for name in (WARNING, "SIGTERM") if signal.getsignal(signal.Signals[name]) == signal.SIG_DFL]
        interruption.on_signals(**{name: f"{name}: the allocation ends" for name in names})
