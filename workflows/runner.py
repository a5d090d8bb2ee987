"""Runner: carries a campaign through on this machine, stage by stage, and on from wherever a run was stopped."""

from __future__ import annotations

import time
from dataclasses import replace

from atomsieve.analysis.database import Database
from atomsieve.structures.errors import InputError
from atomsieve.workflows.checked import CheckedCampaign
from atomsieve.workflows.funnel import sift
from atomsieve.workflows.harvest import stored_rows
from atomsieve.workflows.ingest.collection import is_collection
from atomsieve.workflows.stagerun import StageRun
from atomsieve.workflows.turn import running
from atomsieve.workflows.watch import Summary, Watch


class Runner:
    """Carries one campaign through.

    Parameters
    ----------
    checked : CheckedCampaign
        What to do.
    database : Database
        Connected; only this process writes to it.
    workers : int
        Worker processes.
    watch : Watch, optional
        Who is told; nobody unless given.
    """

    def __init__(self, checked: CheckedCampaign, database: Database, workers: int, watch: Watch | None = None) -> None:
        self.checked = checked
        self.database = database
        self.workers = workers
        self.watch = watch or Watch()

    def run(self) -> Summary:
        """Run until every site is complete or cannot be completed, at each stage.

        Returns
        -------
        Summary
            What was done.

        Raises
        ------
        InputError
            If another process runs the same campaign in the same folder.
        StoreError
            If the database stayed away; nothing is lost, the results are on disk.
        """
        began, summary = time.monotonic(), Summary()
        campaign = self.checked.campaign
        with running(self.checked.folder, campaign.name):
            before = self.database.campaign(campaign.name)
            if before is not None and is_collection(before):
                raise InputError(f"{campaign.name!r} holds what was ingested; give the campaign another name")
            content = campaign.model_dump(mode="json", exclude_unset=True)
            self.database.save_campaign(campaign.name, content, self.checked.site_count, self.checked.provenance)
            entering: frozenset[str] | None = None
            for stage in self.checked.stages:
                # which sites pass on follows from what the stage before has left in the database now
                own = replace(stage, only=entering)
                if own.stage is not None:
                    self.watch.stage(own, own.site_count)
                    self.database.save_stage(campaign.name, own.stage.name, entered=own.site_count)
                StageRun(own, self.database, self.workers, self.watch, summary).run()
                if own.stage is not None:
                    sifted = sift(own, stored_rows(own, self.database))
                    self.watch.passed(own, sifted)
                    self.database.save_stage(campaign.name, own.stage.name, passed=len(sifted.passed))
                    entering = frozenset(sifted.passed)
        summary.seconds = time.monotonic() - began
        return summary
