"""A SLURM of one node, from the operating system's packages, that lives in one folder and runs jobs as the present user.

munged, slurmctld and slurmd run in the foreground with their own key, socket, ports and settings, on the loopback only;
nothing under /etc, /var or /run is read or written, and no systemd, cgroup or slurmdbd is needed. Settings: slurm.conf(5).
"""

from __future__ import annotations

import contextlib
import getpass
import os
import secrets
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from rigs import LIMIT, RigMissing, end, last_words, start, wait_until

START_LIMIT = 300.0  # seconds for one daemon to answer; about 1 s is usual
DAEMONS = ("munged", "slurmctld", "slurmd")  # in the order in which they start
PROGRAMS = (*DAEMONS, "munge", "sbatch", "srun", "squeue", "scancel", "sinfo", "scontrol")
LONGEST_SOCKET = 107  # bytes, unix(7)

# Tasks are followed by their parents (linuxproc), for cgroups need rights that a container does not give. cred_expire is
# also how long a requeued job is held back, 120 s unless told. KillWait stands between SIGTERM and SIGKILL of a cancelled
# job. config_overrides: the node has the CPUs and the memory written here, whatever the machine has.
SETTINGS = """\
ClusterName=rig
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={socket},cred_expire={hold}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1
SlurmdParameters=config_overrides
ReturnToService=2
KillWait=5
MailProg=/bin/true
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=4096 State=UNKNOWN
PartitionName=rig Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


class SlurmMissing(RigMissing):
    """SLURM is not installed here, or does not start, and the sentence why."""


@dataclass(frozen=True)
class Slurm:
    """A running SLURM: pass `environment` to sbatch, srun and the others, or call `run`.

    `processes` holds munged, slurmctld and slurmd by name, for a test that kills one; `start` brings that one back.
    """

    folder: Path
    environment: dict[str, str]
    processes: dict[str, subprocess.Popen] = field(default_factory=dict)

    def start(self, name: str) -> None:
        """Start the daemon `name` and wait until it answers; SlurmMissing with its last words if it does not."""
        _start_daemon(self, name)

    def run(self, *command: str, limit: float = LIMIT) -> subprocess.CompletedProcess[str]:
        """One command in this SLURM's folder and environment, its output as text; TimeoutExpired after `limit` seconds."""
        call = partial(subprocess.run, command, cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL)
        return call(capture_output=True, text=True, timeout=limit)

    def submit(self, *arguments: str) -> int:
        """The number of the job that `sbatch` with these arguments makes; RuntimeError with sbatch's words if none."""
        answer = self.run("sbatch", "--parsable", *arguments)
        if answer.returncode:
            raise RuntimeError(f"sbatch ended with code {answer.returncode}: {answer.stderr.strip()}")
        return int(answer.stdout.split(";")[0])

    def state(self, job: int) -> str:
        """What SLURM says of `job`: PENDING, RUNNING, COMPLETED, CANCELLED, FAILED, ..."""
        return self.detail(job, "JobState")

    def detail(self, job: int, name: str) -> str:
        """One field of `scontrol show job`, such as Restarts, Reason or ExitCode; KeyError if there is none."""
        answer = self.run("scontrol", "--oneliner", "show", "job", str(job))
        if answer.returncode:
            raise KeyError(f"SLURM says nothing of job {job}: {answer.stderr.strip()}")
        return dict(word.split("=", 1) for word in answer.stdout.split() if "=" in word)[name]

    def await_saved(self, job: int, limit: float = LIMIT) -> bool:
        """Whether slurmctld has, within `limit` seconds, written down what it knows now, of `job` and all others.

        It does so about every five seconds only. If it is killed, it forgets what is younger: a job that has only just
        begun is ended and begun again, one that has only just been submitted may be gone.
        """
        saved, mark = self.folder / "state" / "job_state", f"seen-{secrets.token_hex(8)}"
        self.run("scontrol", "update", f"JobId={job}", f"Comment={mark}")
        return wait_until(lambda: saved.exists() and mark.encode() in saved.read_bytes(), limit)


@contextlib.contextmanager
def one_node_slurm(folder: Path, cpus: int = 2, hold: int = 5) -> Iterator[Slurm]:
    """A SLURM of one node with `cpus` processors, idle when the block begins and gone when it ends, its jobs too.

    Everything it writes, logs too, lies under `folder`, which stays the caller's. A requeued job waits `hold` seconds or
    a little more before it may start again. SlurmMissing where the packages are not installed or a daemon does not start.
    """
    slurm = Slurm(folder, _environment(folder))
    try:
        _write_settings(slurm, cpus, hold)
        for name in DAEMONS:
            slurm.start(name)
        yield slurm
    finally:
        _end_jobs(slurm)
        for name in reversed(DAEMONS):  # each still talks to those before it while it ends
            if name in slurm.processes:
                end([slurm.processes[name]])
        _kill_strays(slurm.environment["SLURM_CONF"])


def _environment(folder: Path) -> dict[str, str]:
    """The present environment, less what a surrounding SLURM has set, with this SLURM's settings and Debian's sbin."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
    missing = [program for program in PROGRAMS if shutil.which(program, path=path) is None]
    if missing:
        raise SlurmMissing(f"SLURM is not installed here ({', '.join(missing)} not found); run .ci/slurm-install as root")
    if len(os.fsencode(_socket(folder))) > LONGEST_SOCKET or " " in str(folder):
        raise SlurmMissing(f"SLURM cannot live in {folder}: the path must be short, as sockets want it, and without spaces")
    own = {name: value for name, value in os.environ.items() if not name.startswith(("SLURM_", "SBATCH_", "SRUN_"))}
    return own | {"PATH": path, "SLURM_CONF": str(folder / "slurm.conf")}


def _socket(folder: Path) -> Path:
    return folder / "munge.socket"


def _write_settings(slurm: Slurm, cpus: int, hold: int) -> None:
    folder = slurm.folder
    for name in ("state", "spool"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    key = folder / "munge.key"
    key.touch(mode=0o600)  # before it holds anything
    key.write_bytes(secrets.token_bytes(128))
    with socket.socket() as first, socket.socket() as second:  # both open at once: two different ports
        ports = []
        for each in (first, second):
            each.bind(("127.0.0.1", 0))
            ports.append(each.getsockname()[1])
    settings = SETTINGS.format(
        host=socket.gethostname().split(".")[0],
        controller_port=ports[0],
        node_port=ports[1],
        user=getpass.getuser(),
        socket=_socket(folder),
        folder=folder,
        cpus=cpus,
        hold=hold,
    )
    (folder / "slurm.conf").write_text(settings)
    # slurmd loads a cgroup plugin even when nothing asks for one. The one for v1 touches nothing until it is asked; newer
    # versions can do without.
    version = float(".".join(slurm.run("slurmd", "-V").stdout.split()[-1].split(".")[:2]))
    (folder / "cgroup.conf").write_text(f"CgroupPlugin={'disabled' if version >= 24.05 else 'cgroup/v1'}\n")


def _start_daemon(slurm: Slurm, name: str) -> None:
    folder, log = slurm.folder, slurm.folder / f"{name}.out"
    if name == "munged":
        # --force: munged wants every folder above its socket open to all users, which a private temporary folder is not.
        arguments = ["--foreground", "--force", "--num-threads=2", f"--socket={_socket(folder)}"]
        arguments += [f"--{kind}-file={folder}/munge.{kind}" for kind in ("key", "pid", "log", "seed")]
    else:
        arguments = ["-D", "-f", slurm.environment["SLURM_CONF"]]
    answers = {
        "munged": lambda: slurm.run("munge", "-n", "-S", str(_socket(folder))).returncode == 0,
        "slurmctld": lambda: slurm.run("scontrol", "ping").returncode == 0,
        # Both the node itself and the controller, which goes on calling a node idle whose slurmd has just died.
        "slurmd": lambda: slurm.run("scontrol", "show", "slurmd").returncode == 0 and _usable(slurm),
    }[name]
    program = shutil.which(name, path=slurm.environment["PATH"]) or name
    process = slurm.processes[name] = start([program, *arguments], log, slurm.environment)
    wait_until(lambda: process.poll() is not None or answers(), START_LIMIT)
    if process.poll() is not None:
        raise SlurmMissing(f"SLURM does not start here: {name} ended with code {process.returncode} ({last_words(log)})")
    if not answers():
        raise SlurmMissing(f"SLURM does not start here: {name} gave no answer in {START_LIMIT:g} s ({last_words(log)})")


def _usable(slurm: Slurm) -> bool:
    return slurm.run("sinfo", "--noheader", "--format=%T").stdout.strip() in ("idle", "mixed", "allocated")


def _end_jobs(slurm: Slurm) -> None:
    """Cancel every job and wait a while until they are gone; a SLURM of which a test has killed a part cannot be asked."""
    if any(name not in slurm.processes or slurm.processes[name].poll() is not None for name in DAEMONS):
        return

    def empty() -> bool:
        return not slurm.run("squeue", "--noheader").stdout.strip()

    if not empty():
        slurm.run("scancel", "--signal=KILL", "--full", "--me")
        slurm.run("scancel", "--me")
        wait_until(empty, 10.0)


def _kill_strays(settings: str) -> None:
    """Kill what is left of its jobs: the processes that carry this SLURM's settings, which no others do."""
    mark = b"SLURM_CONF=" + os.fsencode(settings)
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):  # it has ended since, or belongs to somebody else
            if mark in (entry / "environ").read_bytes().split(b"\0"):
                os.kill(int(entry.name), signal.SIGKILL)
