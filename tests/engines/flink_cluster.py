"""A Flink session cluster on loopback: one JobManager, TaskManagers, Beam's job server, SDK worker processes."""

from __future__ import annotations

import contextlib
import json
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.engines.processes import Processes, free_port, wait_until
from tests.engines.worker_environment import start_workers

# Flink and Beam reach into the JDK by reflection, which newer JDKs forbid; Flink's own scripts open these.
JAVA_OPENED = [
    option
    for package in (
        *("lang", "lang.reflect", "lang.invoke", "net", "nio", "text", "time", "util", "util.concurrent"),
        *("util.concurrent.atomic", "util.concurrent.locks", "io", "math", "security"),
    )
    for option in ("--add-opens", f"java.base/java.{package}=ALL-UNNAMED")
] + ["--add-opens", "java.base/sun.nio.ch=ALL-UNNAMED", "--add-opens", "java.base/sun.security.action=ALL-UNNAMED"]

_SLOTS = 2


class FlinkCluster:
    """What runs, and how to reach it.

    Attributes:
        job_endpoint: Of Beam's job server, for `--job_endpoint`.
        worker_pool: Of the SDK worker processes, for `--environment_config` of an EXTERNAL environment.
    """

    def __init__(self, jars: Path, folder: Path, worker_path: Path, task_managers: int = 2) -> None:
        self.processes = Processes(folder / "logs")
        self._jars = jars
        self._folder = folder
        self._worker_path = worker_path
        self._task_managers = [f"taskmanager-{number}" for number in range(task_managers)]
        self._ends = threading.Event()
        self._watch = threading.Thread(target=self._replace_lost, daemon=True)

    def start(self) -> None:
        """Starts all, and waits until every slot is there."""
        rpc, self._rest, jobs = (free_port() for _ in range(3))
        self.job_endpoint = f"localhost:{jobs}"
        conf = self._folder / "conf"
        conf.mkdir(parents=True, exist_ok=True)
        (conf / "flink-conf.yaml").write_text(_configuration(rpc, self._rest, self._folder))
        entry = "org.apache.flink.runtime"
        self._java(
            "jobmanager", 512, f"{entry}.entrypoint.StandaloneSessionClusterEntrypoint", "--configDir", str(conf)
        )
        self.processes.wait_for_port("jobmanager", self._rest)
        for name in self._task_managers:
            self._start_task_manager(name)
        self._watch.start()
        self.worker_pool = start_workers(self.processes, self._worker_path)
        server = str(Path(__file__).parent / "java" / "FlinkJobServer.java")
        artifacts = self._folder / "staged"
        own = ["--job-port", str(jobs), "--artifact-port", "0", "--expansion-port", "0", "--job-host", "localhost"]
        master = f"localhost:{self._rest}"
        self._java("jobserver", 768, server, "--flink-master", master, "--artifacts-dir", str(artifacts), *own)
        self.processes.wait_for_port("jobserver", jobs)
        wait_until(lambda: self.overview()["slots-total"] == _SLOTS * len(self._task_managers), "all slots to register")

    def end(self) -> None:
        """Ends all processes."""
        self._ends.set()
        if self._watch.ident is not None:
            self._watch.join()
        self.processes.end_all()

    def _replace_lost(self) -> None:
        # As Kubernetes and YARN do: one that was killed, and one that Flink ended itself, for a task that did not stop.
        while not self._ends.wait(2):
            for name in self._task_managers:
                if not self.processes.runs(name):
                    self._start_task_manager(name)

    def _start_task_manager(self, name: str) -> None:
        conf = str(self._folder / "conf")
        runner = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"
        self._java(name, 768, runner, "--configDir", conf, "-D", f"taskmanager.resource-id={name}")

    def kill_task_manager_at_work(self) -> str:
        """SIGKILL to a TaskManager that runs a task now.

        Returns:
            Its name.
        """
        victims: list[str] = []

        def found() -> bool:
            for job in self._get("/jobs")["jobs"]:
                if job["status"] == "RUNNING":
                    victims.extend(self._running_in(job["id"]))
            return bool(victims)

        wait_until(found, "a task to run", 300)
        self.processes.kill(victims[0])
        return victims[0]

    def _running_in(self, job: str) -> Iterator[str]:
        for vertex in self._get(f"/jobs/{job}")["vertices"]:
            if vertex["status"] == "RUNNING":
                for task in self._get(f"/jobs/{job}/vertices/{vertex['id']}/taskmanagers")["taskmanagers"]:
                    if task["status-counts"].get("RUNNING") and task["taskmanager-id"] in self._task_managers:
                        yield task["taskmanager-id"]

    def jobs(self) -> list[dict[str, Any]]:
        """All jobs so far, with their states and times."""
        return self._get("/jobs/overview")["jobs"]

    def losses(self) -> list[str]:
        """What jobs were restarted for."""
        found = []
        for job in self.jobs():
            history = self._get(f"/jobs/{job['jid']}/exceptions")["exceptionHistory"]["entries"]
            found.extend(entry["exceptionName"] for entry in history)
        return found

    def overview(self) -> dict[str, Any]:
        """The cluster's own overview."""
        return self._get("/overview")

    def _get(self, path: str) -> Any:
        with urllib.request.urlopen(f"http://127.0.0.1:{self._rest}{path}", timeout=10) as answer:
            return json.load(answer)

    def _java(self, name: str, heap: int, main: str, *arguments: str) -> None:
        log = "-Dorg.slf4j.simpleLogger.showDateTime=true"
        words = ["java", f"-Xmx{heap}m", *JAVA_OPENED, log, "-cp", f"{self._jars}/*", main, *arguments]
        self.processes.start(name, words)


@contextlib.contextmanager
def flink_cluster(jars: Path, folder: Path, worker_path: Path) -> Iterator[FlinkCluster]:
    """A cluster that ends with the block.

    Args:
        jars: Folder of the jars.
        folder: For configuration, logs, staged artifacts.
        worker_path: Folder of the `python` that SDK workers run with.
    """
    cluster = FlinkCluster(jars, folder, worker_path)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.end()


def _configuration(rpc: int, rest: int, folder: Path) -> str:
    local = "127.0.0.1"
    options = {
        "jobmanager.rpc.address": local,
        "jobmanager.rpc.port": rpc,
        "jobmanager.bind-host": local,
        "rest.address": local,
        "rest.bind-address": local,
        "rest.port": rest,
        "taskmanager.host": local,
        "taskmanager.bind-host": local,
        "taskmanager.numberOfTaskSlots": _SLOTS,
        "taskmanager.cpu.cores": float(_SLOTS),
        # All parts, for what Flink's scripts would compute is not there.
        "taskmanager.memory.framework.heap.size": "128m",
        "taskmanager.memory.framework.off-heap.size": "128m",
        "taskmanager.memory.jvm-metaspace.size": "256m",
        "taskmanager.memory.jvm-overhead.min": "192m",
        "taskmanager.memory.jvm-overhead.max": "192m",
        "taskmanager.memory.task.heap.size": "512m",
        "taskmanager.memory.task.off-heap.size": "256m",
        "taskmanager.memory.network.min": "256m",
        "taskmanager.memory.network.max": "256m",
        # A job has many shuffles, of which each wants its least number of buffers at once.
        "taskmanager.network.sort-shuffle.min-buffers": 32,
        "taskmanager.memory.managed.size": "256m",
        # Slots of one job on all TaskManagers, so that the loss of one is a loss.
        "cluster.evenly-spread-out-slots": "true",
        "heartbeat.interval": 1000,
        # A killed one refuses its heartbeats at once; one that is only slow, on a busy machine, is not lost.
        "heartbeat.timeout": 60000,
        "restart-strategy.type": "fixed-delay",
        # Each task that fails counts, and those sent to the lost TaskManager before its heartbeats are missed.
        "restart-strategy.fixed-delay.attempts": 2000,
        "restart-strategy.fixed-delay.delay": "2 s",
        # A lost TaskManager's slots come back with its replacement.
        "slot.request.timeout": 120000,
        # A task that waits for a worker of a lost TaskManager may not stop; its TaskManager ends then, and is replaced.
        "task.cancellation.timeout": 30000,
        "io.tmp.dirs": folder / "tmp",
        "blob.storage.directory": folder / "blobs",
        "classloader.resolve-order": "parent-first",
    }
    (folder / "tmp").mkdir(exist_ok=True)
    return "".join(f"{name}: {value}\n" for name, value in options.items())
