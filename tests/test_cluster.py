"""Clusters: the files that describe them, and their schedulers: a real Slurm, PBS's commands over it, and none."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from atomsieve.structures.errors import CampaignError, FailureClass, InputError, SchedulerError, UnknownNameError
from atomsieve.workflows.clusters import processes, queues
from atomsieve.workflows.clusters.cluster import Resources, Worker, read_worker
from atomsieve.workflows.clusters.gridqueues import Sge
from atomsieve.workflows.clusters.scheduler import Scheduler
from atomsieve.workflows.clusters.submission import JobState
from atomsieve.workflows.settings import Settings
from atomsieve.workflows.watching.causes import classify

Cli = Callable[..., subprocess.CompletedProcess[str]]
SECRET = "planted-secret"
SECONDS = 60.0

KINDS = """
  cheap: {walltime: "5:00", margin: 60, cores: 1, memory: 300 MB}
  dear: {walltime: "5:00", margin: 60, cores: 2}
"""


def describe(folder: Path, scheduler: str = "none", kinds: str = KINDS, **fields: str) -> Worker:
    """Write a worker's file, and read it."""
    path = folder / "lab.yaml"
    more = "".join(f"{name}: {value}\n" for name, value in fields.items())
    text = f"name: lab\nscheduler: {scheduler}\nfolder: {folder}/data\npython: {sys.executable}\n{more}kinds: {kinds}\n"
    path.write_text(text, encoding="utf-8")
    (folder / "data").mkdir(exist_ok=True)
    return read_worker(path, Settings())


def wait_until(condition: Callable[[], bool], what: str, seconds: float = SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.1)


def wait_for(scheduler: Scheduler, job: str, state: JobState, seconds: float = SECONDS) -> None:
    wait_until(lambda: scheduler.states([job])[job] is state, f"{job} is {state}", seconds)


# --- what a file says ---


def test_a_template_is_a_worker(tmp_path: Path, cli: Cli) -> None:
    workers = {"ATOMSIEVE_WORKERS_FOLDER": str(tmp_path / "workers")}
    result = cli("new", "worker", "mine", cwd=tmp_path, **workers)
    assert result.returncode == 0, result.stderr
    assert "atomsieve doctor --worker mine" in result.stdout
    worker = read_worker("mine", Settings(workers_folder=tmp_path / "workers"))
    assert (worker.name, list(worker.kinds)) == ("mine", ["cheap", "dear"])
    assert worker.python == sys.executable
    assert worker.folder == tmp_path / "atomsieve-data"
    assert worker.kinds["dear"].walltime == 2 * 86400
    assert worker.kinds["cheap"].workers > 0
    assert worker.kinds["dear"].workers == 1
    again = cli("new", "worker", "mine", cwd=tmp_path, **workers)
    assert again.returncode == 2
    assert "exists" in again.stderr
    # here, rather than in the folder of workers
    assert cli("new", "worker", "./other.yaml", cwd=tmp_path, **workers).returncode == 0
    assert read_worker(tmp_path / "other.yaml", Settings()).name == "other"


def test_every_key_of_a_worker_is_in_the_template(tmp_path: Path) -> None:
    from atomsieve.workflows.clusters.workertemplate import write_worker

    text = write_worker(str(tmp_path / "mine.yaml")).read_text(encoding="utf-8")
    for name in (*Worker.model_fields, *Resources.model_fields):
        assert f"{name}:" in text, name


def test_the_file_in_the_pages_is_a_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).parent.parent / "docs" / "dispatch.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"^```yml\n(name: .*?)^```", page, flags=re.MULTILINE | re.DOTALL)
    (tmp_path / "mycluster.yaml").write_text(text, encoding="utf-8")
    (tmp_path / ".config" / "atomsieve").mkdir(parents=True)
    (tmp_path / ".config" / "atomsieve" / "secrets.sh").touch(mode=0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USER", "me")
    worker = read_worker(tmp_path / "mycluster.yaml", Settings())
    assert str(worker.folder) == "/scratch/me/atomsieve"
    assert worker.kind_of("vasp") == "dear"
    for name in (*Worker.model_fields, *Resources.model_fields):
        assert f"`{name}`" in page, name


def test_new_still_writes_campaigns(tmp_path: Path, cli: Cli) -> None:
    assert cli("new", "mine", cwd=tmp_path).returncode == 0
    assert (tmp_path / "mine.yaml").exists()
    assert "atomsieve new worker" in cli("new", "mine", "yours", cwd=tmp_path).stderr


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    path = tmp_path / "lab.yaml"
    path.write_text(
        "name: a b\nscheduler: slrum\nfolder: /data\nkinds:\n"
        "  cheap: {walltime: 24h, memory: 4, wrokers: 2, queue: a b, cores: four}\n",
        encoding="utf-8",
    )
    with pytest.raises(CampaignError) as caught:
        read_worker(path, Settings())
    said = {problem.path: problem.message for problem in caught.value.problems}
    assert "did you mean 'slurm'" in said["scheduler"]
    assert "did you mean 'workers'" in said["kinds.cheap.wrokers"]
    assert "'2-12:00:00'" in said["kinds.cheap.walltime"]
    assert "'4 GB'" in said["kinds.cheap.memory"]
    assert said.keys() >= {"name", "kinds.cheap.queue", "kinds.cheap.cores"}


@pytest.mark.parametrize(
    ("text", "path", "says"),
    [
        ("name: [", "line 2", "not readable as YAML"),
        ("name: lab\nname: lab", "line 2", "written twice"),
        ("just text", "", "must be a mapping"),
    ],
)
def test_what_is_no_yaml_names_its_line(text: str, path: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "lab.yaml").write_text(text + "\n", encoding="utf-8")
    with pytest.raises(CampaignError, match=says) as caught:
        read_worker(tmp_path / "lab.yaml", Settings())
    assert caught.value.problems[0].path.startswith(path)


@pytest.mark.parametrize(
    ("kinds", "path", "says"),
    [
        ("{cheap: {walltime: 60}}", "kinds.cheap.margin", "not less than the walltime"),
        ("{cheap: {cores: 2, workers: 3}}", "kinds.cheap.workers", "3 processes on 2 cores"),
        ("{cheap: {calculators: [vap]}}", "kinds.cheap.calculators[0]", "did you mean 'vasp'"),
        ("{a: {calculators: [vasp]}, b: {calculators: [vasp]}}", "kinds.b.calculators[0]", "keep one of the two"),
    ],
)
def test_what_does_not_go_together(kinds: str, path: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(CampaignError, match=says) as caught:
        describe(tmp_path, kinds=kinds)
    assert [problem.path for problem in caught.value.problems] == [path]


@pytest.mark.parametrize(
    ("duration", "seconds"), [("24:00:00", 86400), ('"24:00:00"', 86400), ("1-00:30:00", 88200), ("90", 90)]
)
def test_durations(duration: str, seconds: int, tmp_path: Path) -> None:
    worker = describe(tmp_path, kinds=f"{{cheap: {{walltime: {duration}, margin: 10}}}}")
    assert worker.kinds["cheap"].walltime == seconds


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("environment", f"{{ATOMSIEVE_MONGODB_URI: {SECRET}}}"),
        ("environment", f"{{SERVER: 'mongodb://me:{SECRET}@host/'}}"),
        ("setup", f"export MY_PASSWORD={SECRET}"),
        ("setup", f"curl https://me:{SECRET}@host/licence"),
    ],
)
def test_credentials_are_refused_and_not_shown(field: str, value: str, tmp_path: Path) -> None:
    with pytest.raises(CampaignError, match="mode 600") as caught:
        describe(tmp_path, **{field: value})
    assert SECRET not in str(caught.value)


def test_what_is_no_credential_is_not_refused(tmp_path: Path) -> None:
    lines = "export TOKEN=$(cat ~/.token); export TOKENIZERS_PARALLELISM=false; module load vasp/6.4"
    assert describe(tmp_path, setup=f"'{lines}'").setup == lines


def test_credentials_lie_in_a_file_that_others_cannot_read(tmp_path: Path) -> None:
    secrets = tmp_path / "secrets.sh"
    with pytest.raises(CampaignError, match="cannot be read"):
        describe(tmp_path, secrets=str(secrets))
    secrets.write_text("A=b\n", encoding="utf-8")
    secrets.chmod(0o640)
    with pytest.raises(CampaignError, match=f"chmod 600 {secrets}"):
        describe(tmp_path, secrets=str(secrets))
    secrets.chmod(0o600)
    assert describe(tmp_path, secrets=str(secrets)).secrets == secrets


def test_a_calculator_goes_to_the_kind_that_names_it(tmp_path: Path) -> None:
    worker = describe(tmp_path, kinds="{cheap: {}, dear: {}, big: {calculators: [gfn2-xtb]}}")
    kinds = {name: worker.kind_of(name) for name in ("mock", "gfn1-xtb", "gfn2-xtb", "mace", "vasp", "gpaw")}
    assert kinds == {
        "mock": "cheap",
        "gfn1-xtb": "cheap",
        "gfn2-xtb": "big",
        "mace": "cheap",
        "vasp": "dear",
        "gpaw": "dear",
    }
    assert describe(tmp_path, kinds="{all: {}}").kind_of("vasp") == "all"
    with pytest.raises(InputError, match="no kind is for vasp"):
        describe(tmp_path, kinds="{a: {}, b: {}}").kind_of("vasp")


def test_workers_are_found_by_name(tmp_path: Path) -> None:
    describe(tmp_path)
    settings = Settings(workers_folder=tmp_path)
    assert read_worker("lab", settings).source == tmp_path / "lab.yaml"
    with pytest.raises(UnknownNameError, match=r"did you mean 'lab'.*atomsieve new worker labb"):
        read_worker("labb", settings)
    with pytest.raises(UnknownNameError, match="there is no file"):
        read_worker("./other.yaml", settings)


# --- what schedulers do ---


@pytest.fixture(params=["none", "slurm", "pbs"])
def system(request: pytest.FixtureRequest) -> str:
    """Return a scheduler that runs here; PBS's commands are those of Slurm's own translation."""
    name = str(request.param)
    if name != "none":
        request.getfixturevalue("slurm")
    if name == "pbs" and shutil.which("qsub") is None:
        pytest.skip("no qsub: apt-get install slurm-wlm-torque")
    return name


def hidden(folder: Path) -> list[Path]:
    """Return the files in a folder that hold the secret."""
    return [path for path in folder.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]


def test_a_job_runs_as_its_worker_says(
    system: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setenv("ATOMSIEVE_MONGODB_URI", SECRET)  # of whoever submits
    secrets = tmp_path / "secrets.sh"
    secrets.write_text(f"TREASURE='{SECRET}'\n", encoding="utf-8")
    secrets.chmod(0o600)
    worker = describe(
        tmp_path,
        system,
        environment='{GREETING: "hello $there"}',
        setup="export BEFORE=yes",
        secrets=str(secrets),
        scratch=f"{tmp_path}/scratch-$GREETER",
    )
    scheduler = Scheduler(worker)
    code = (
        "import os, hashlib, pathlib\n"
        "names = ('GREETING', 'BEFORE', 'ATOMSIEVE_JOB', 'ATOMSIEVE_FOLDER', 'OMP_NUM_THREADS', 'TMPDIR')\n"
        "values = [os.environ[name] for name in names] + [os.getcwd()]\n"
        "values.append(hashlib.sha256(os.environ['TREASURE'].encode()).hexdigest())\n"
        "values.append(os.environ.get('ATOMSIEVE_MONGODB_URI', 'unset'))\n"
        "pathlib.Path('seen').write_text('\\n'.join(values))\n"
        "from atomsieve.workflows.clusters.scheduler import own_job\n"
        "pathlib.Path('job').write_text(own_job())\n"
    )
    script = scheduler.script("cheap", [sys.executable, "-c", code])
    assert SECRET not in script
    monkeypatch.setenv("GREETER", "me")
    job = scheduler.submit(script)
    wait_for(scheduler, job, JobState.GONE)
    seen = (worker.folder / "seen").read_text(encoding="utf-8").splitlines()
    data = str(worker.folder)
    assert seen[:2] == ["hello $there", "yes"]
    assert seen[3:5] == [data, "1"]
    assert seen[5:7] == [f"{tmp_path}/scratch-me", data]
    assert seen[7:] == [hashlib.sha256(SECRET.encode()).hexdigest(), "unset"]
    assert (worker.folder / "job").read_text(encoding="utf-8") == job
    assert (worker.folder / "seen").stat().st_mode & 0o077 == 0
    assert worker.pilots.stat().st_mode & 0o077 == 0
    assert hidden(worker.folder) == []
    if system != "none":
        assert hidden(request.getfixturevalue("slurm").folder) == []


def test_jobs_are_seen_and_ended(system: str, tmp_path: Path) -> None:
    scheduler = Scheduler(describe(tmp_path, system))
    assert scheduler.mine() == {}
    line = "echo begun; trap 'echo told to end; exit 3' TERM; while true; do sleep 0.1; done"
    jobs = [scheduler.submit(scheduler.script(kind, ["bash", "-c", line])) for kind in ("cheap", "dear")]
    for job in jobs:
        wait_for(scheduler, job, JobState.RUNNING)
        wait_until(lambda job=job: "begun" in scheduler.words(job), "the log")  # type: ignore[misc]
    stranger = {"none": "elsewhere:1:1"}.get(system, "987654")
    states = scheduler.states([*jobs, stranger])
    assert states == {
        **dict.fromkeys(jobs, JobState.RUNNING),
        stranger: JobState.UNKNOWN if system == "none" else JobState.GONE,
    }
    assert scheduler.mine("cheap") == {jobs[0]: JobState.RUNNING}
    assert scheduler.mine().keys() == set(jobs)
    scheduler.cancel([*jobs, stranger])
    for job in jobs:
        wait_for(scheduler, job, JobState.GONE)
    assert scheduler.mine() == {}
    assert "told to end" in scheduler.ending(jobs[0]).words
    if system == "slurm":
        assert scheduler.ending(jobs[0]).state == "CANCELLED"


def test_lines_for_afterwards_run_and_signals_reach_the_work(tmp_path: Path) -> None:
    worker = describe(tmp_path, teardown="'echo cleaned up: $status'")
    scheduler = Scheduler(worker)
    line = "trap 'echo asked; exit 7' USR1; echo begun; while true; do sleep 0.1; done"
    job = scheduler.submit(scheduler.script("cheap", ["bash", "-c", line]))
    wait_until(lambda: "begun" in scheduler.words(job), "the start")
    os.kill(int(job.split(":")[1]), signal.SIGUSR1)
    wait_for(scheduler, job, JobState.GONE)
    assert scheduler.words(job).splitlines() == ["begun", "asked", "cleaned up: 7"]


@pytest.mark.slow
def test_slurm_asks_for_checkpoints_before_the_end(slurm: Any, tmp_path: Path) -> None:
    del slurm
    scheduler = Scheduler(describe(tmp_path, "slurm", "{cheap: {walltime: 60, margin: 59}}"))
    # no shell: the script has USR1 ignored until the work listens, and a shell cannot undo that
    code = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGUSR1, lambda *_: sys.exit(print('asked', flush=True)))\n"
        "print('begun', flush=True)\n"
        "while True: time.sleep(0.1)"
    )
    job = scheduler.submit(scheduler.script("cheap", [sys.executable, "-c", code]))
    # Slurm looks at time limits when it has nothing better to do
    wait_for(scheduler, job, JobState.GONE, 150)
    # Slurm wakes what it stops, and grumbles into the log where that has gone by then
    words = [line for line in scheduler.words(job).splitlines() if not line.startswith("slurmstepd")]
    assert words == ["begun", "asked"]


def test_who_ignores_the_end_is_killed_with_what_it_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "GRACE", 0.5)
    scheduler = Scheduler(describe(tmp_path))
    line = "trap '' TERM; sleep 77 & echo $! >child; wait"
    job = scheduler.submit(scheduler.script("cheap", ["bash", "-c", line]))
    child = tmp_path / "data" / "child"
    wait_until(lambda: child.exists() and child.read_text().strip() != "", "the child")
    scheduler.cancel([job])
    wait_for(scheduler, job, JobState.GONE, 5)
    number = int(child.read_text())
    wait_until(lambda: processes.identity(number) is None, "the end of the child", 5)


def test_a_number_that_another_process_has_now_is_not_the_job(tmp_path: Path) -> None:
    scheduler = Scheduler(describe(tmp_path))
    own = processes.identity(os.getpid())
    assert own is not None
    earlier = own.rpartition(":")[0] + ":1"
    assert scheduler.states([own, earlier]) == {own: JobState.RUNNING, earlier: JobState.GONE}
    scheduler.cancel([earlier])  # does not kill us


def test_a_job_that_cannot_run_says_why(tmp_path: Path) -> None:
    worker = describe(tmp_path, "none")
    scheduler = Scheduler(worker)
    script = scheduler.script("cheap", ["true"])
    with pytest.raises(InputError, match="did you mean 'cheap'"):
        scheduler.script("cheep", ["true"])
    job = scheduler.submit(script.replace(f"cd {worker.folder}", "cd /nowhere/at/all"))
    wait_for(scheduler, job, JobState.GONE)
    assert "is not there on" in scheduler.words(job)


def test_a_scheduler_that_does_not_answer_knows_nothing(
    slurm: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheduler = Scheduler(describe(tmp_path, "slurm"))
    # the controller is away
    away = (slurm.folder / "slurm.conf").read_text(encoding="utf-8").replace("SlurmctldPort=", "SlurmctldPort=1\n#")
    (tmp_path / "slurm.conf").write_text(away + "MessageTimeout=2\n", encoding="utf-8")
    with monkeypatch.context() as patch:
        patch.setenv("SLURM_CONF", str(tmp_path / "slurm.conf"))
        patch.setattr(queues, "PATIENCE", 3.0)
        assert scheduler.states(["1", "2"]) == dict.fromkeys(["1", "2"], JobState.UNKNOWN)
        with pytest.raises(SchedulerError):
            scheduler.mine()
        with pytest.raises(SchedulerError):
            scheduler.submit(scheduler.script("cheap", ["true"]))
    # squeue hangs, or prints what nobody understands
    fake = tmp_path / "squeue"
    for text, seconds in (("sleep 20", 0.5), ("echo '1<><> XX'; exit 0", 5.0), ("echo nonsense >&2; exit 1", 5.0)):
        fake.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        fake.chmod(0o755)
        with monkeypatch.context() as patch:
            patch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
            patch.setattr(queues, "PATIENCE", seconds)
            assert scheduler.states(["1"]) == {"1": JobState.UNKNOWN}, text
    assert scheduler.states(["1"]) == {"1": JobState.GONE}


def test_a_refusal_is_in_the_scheduler_s_words(slurm: Any, tmp_path: Path) -> None:
    del slurm
    scheduler = Scheduler(describe(tmp_path, "slurm", "{cheap: {queue: nosuch}}"))
    with pytest.raises(SchedulerError, match="invalid partition"):
        scheduler.submit(scheduler.script("cheap", ["true"]))


# --- how jobs end ---


@pytest.fixture
def ended(slurm: Any, tmp_path: Path) -> Iterator[tuple[Scheduler, dict[str, str]]]:
    """Return jobs that the scheduler ended, each for another reason."""
    kinds = """
  cheap: {walltime: 10, margin: 1, cores: 1, memory: 300 MB, options: [--nodelist=n1]}
  small: {walltime: 300, cores: 1, margin: 1, memory: 60 MB, options: [--nodelist=n1]}
  node: {walltime: 300, cores: 1, margin: 1, memory: 300 MB, options: ["#SBATCH --nodelist=n2"]}
"""
    scheduler = Scheduler(describe(tmp_path, "slurm", kinds))
    hog = "import time; held = bytearray(200_000_000); time.sleep(60)"
    commands = {
        "walltime": ("cheap", ["bash", "-c", "trap '' USR1; sleep 200"]),
        "memory limit": ("small", [sys.executable, "-c", hog]),
        "node failure": ("node", ["sleep", "200"]),
        "failed": ("cheap", ["bash", "-c", "echo last words; exit 3"]),
    }
    jobs = {name: scheduler.submit(scheduler.script(*given)) for name, given in commands.items()}
    try:
        wait_for(scheduler, jobs["node failure"], JobState.RUNNING)
        slurm.kill_node("n2")
        for name in ("memory limit", "failed", "node failure", "walltime"):
            wait_for(scheduler, jobs[name], JobState.GONE, 180)
        yield scheduler, jobs
    finally:
        scheduler.cancel(jobs.values())
        slurm.mend()


@pytest.mark.slow
@pytest.mark.faults
def test_how_a_job_ended_tells_what_to_do(
    ended: tuple[Scheduler, dict[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheduler, jobs = ended
    for name, state, failure_class in (
        ("walltime", "TIMEOUT", FailureClass.LONGER_LIMIT),
        ("memory limit", "FAILED", FailureClass.MORE_MEMORY),
        ("node failure", "NODE_FAIL", FailureClass.ELSEWHERE),
    ):
        ending = scheduler.ending(jobs[name])
        cause = classify(f"{ending.reason}\n{ending.words}", ending.state)
        assert (ending.state, cause.name, cause.failure_class) == (state, name, failure_class), ending
    assert scheduler.ending(jobs["failed"]).reason.startswith("exit code 3")
    # the controller has forgotten them, as it does after minutes
    fake = tmp_path / "scontrol"
    fake.write_text("#!/bin/sh\necho 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1\n", encoding="utf-8")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert scheduler.ending(jobs["walltime"]).state == "TIMEOUT"
    assert "last words" in scheduler.ending(jobs["failed"]).words


def test_sge_is_asked_for_what_it_has(tmp_path: Path) -> None:
    kinds = "{cheap: {queue: all.q, account: mine, walltime: 3600, margin: 300, cores: 8, memory: 16 GB}}"
    header = Sge().header("a name", describe(tmp_path, "sge", kinds).kinds["cheap"], tmp_path)
    lines = header.splitlines()
    assert {"#$ -q all.q", "#$ -P mine", "#$ -l h_rt=01:00:00", "#$ -l s_rt=00:55:00", "#$ -pe smp 8"} <= set(lines)
    assert "#$ -l h_vmem=2048M" in lines
    assert "#$ -N a_name" in lines
    own = describe(tmp_path, "sge", "{cheap: {cores: 8, options: [-pe mpi 8]}}").kinds["cheap"]
    assert [line for line in Sge().header("x", own, tmp_path).splitlines() if "-pe" in line] == ["#$ -pe mpi 8"]


def test_what_pbs_and_sge_say_of_an_end(tmp_path: Path) -> None:
    from atomsieve.workflows.clusters.gridqueues import Pbs

    del tmp_path
    ended = Pbs().read("Job Id: 7.host\n    job_state = F\n    Exit_status = -29\n    comment = Job run at ...\n")
    assert ended is not None
    assert (ended.state, ended.reason) == ("TIMEOUT", "exit code -29, Job run at ...")
    text = "====\nqname   all.q\nfailed       37  : qmaster enforced h_rt, h_cpu, or h_vmem limit\nexit_status  137\n"
    ended = Sge().read(text)
    assert ended is not None
    assert ended.reason == "failed 37  : qmaster enforced h_rt, h_cpu, or h_vmem limit, exit_status 137"
