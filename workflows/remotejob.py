"""RemoteJob: what a node runs for jobflow-remote; one job, or as many as there are in one allocation.

    python -m atomsieve.workflows.remotejob FOLDER
"""

from __future__ import annotations

import sys


def main(arguments: list[str]) -> None:
    """Run the job of a folder."""
    from jobflow_remote.jobs.run import run_remote_job

    run_remote_job(arguments[0])


if __name__ == "__main__":
    main(sys.argv[1:])
