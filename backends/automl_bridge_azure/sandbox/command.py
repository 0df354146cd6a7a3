"""A command job: the script of its code asset is really run, in a process of its own, on copies of its inputs."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from automl_bridge_azure.sandbox.account import ARTIFACTS, CONTAINER
from automl_bridge_azure.sandbox.addresses import artifact_prefix, locate
from automl_bridge_azure.sandbox.errors import AzureError
from automl_bridge_azure.sandbox.jobs import Job, error_of
from automl_bridge_azure.sandbox.schema import seconds_of
from automl_bridge_azure.sandbox.timeline import LONGEST, plan

if TYPE_CHECKING:
    from concurrent.futures import Future

    from automl_bridge_azure.sandbox.world import World

__all__ = ["CommandJob"]

REAL_SECONDS = 300.0
"""Wall clock seconds that a script may take."""
PLACEHOLDER = re.compile(r"\$\{\{\s*(inputs|outputs)\.(\w+)\s*\}\}")
LOADER = Path(__file__).with_name("loader")
KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT", "LD_LIBRARY_PATH")
NOT_A_SCRIPT = "the sandbox runs Python scripts of the job's code only (python script.py …), not: {}"


class CommandJob(Job):
    """A job of type Command."""

    run_type = "azureml.scriptrun"

    def __init__(self, name: str, body: dict[str, Any], world: World) -> None:
        resources = body.get("resources") or {}
        self.default_nodes = int(resources.get("instanceCount") or 1)
        super().__init__(name, body, world)
        sent = (body.get("limits") or {}).get("timeout")
        timeout = LONGEST if sent is None else float(seconds_of(sent) or LONGEST)
        self.timeline = plan(self.pace, booted=False, trials=1, lanes=1, timeout=timeout, prelude=False)
        self.timed_out = self.timeline.reached
        self._stopped = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        for key, about in (body.get("outputs") or {}).items():
            uri = about.get("uri") or f"azureml://datastores/workspaceblobstore/paths/azureml/{name}/{key}/"
            self.run.outputs[key] = {
                **about,
                "uri": uri,
                "assetId": f"azureml:{name}_{key}",
                "type": about["jobOutputType"],
            }
        self.outcome: Future[str | None] = world.work(self._work)
        world.clock.run_until(self.created + self.timeline.end)

    def nodes_of(self, most: int) -> int:
        """Return the instances that were asked for."""
        return max(1, min(most, self.default_nodes))

    def finished(self, now: float) -> tuple[float, str, dict[str, Any] | None] | None:
        """Return how its own work has ended by ``now``, if it has."""
        if now < self.created + self.timeline.end or not self.outcome.done():
            return None
        if self.timed_out:
            return self.created + self.timeline.end, "Canceled", error_of("The job's timeout was reached.")
        said = self.outcome.result()
        status = "Completed" if said is None else "Failed"
        return self.created + self.timeline.end, status, None if said is None else error_of(said)

    def end(self, at: float, status: str, error: dict[str, Any] | None) -> None:
        """End it, and its process."""
        super().end(at, status, error)
        self._stopped.set()
        if self._process is not None and status != "Completed":
            self._process.kill()

    def cancel(self, now: float) -> None:
        """Ask it to stop."""
        super().cancel(now)
        self._stopped.set()
        if self._process is not None:
            self._process.kill()

    # The work itself, on a worker

    def _work(self) -> str | None:
        """Run the script; returns what went wrong, or None."""
        folder = Path(tempfile.mkdtemp(prefix="automl-bridge-sandbox-job-"))
        try:
            return self._run(folder)
        except (AzureError, OSError, ValueError) as error:
            return str(getattr(error, "message", error))
        except Exception as error:  # noqa: BLE001 (whatever it is, the job fails and not the stand-in)
            return f"InternalServerError: {error!r}"
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _run(self, folder: Path) -> str | None:
        code = folder / "code"
        code.mkdir()
        if self.properties.get("codeId"):
            self._fetch(f"azureml:{self.properties['codeId']}", code)
        outputs = {key: folder / "outputs" / key for key in self.properties.get("outputs") or {}}
        for path in outputs.values():
            path.mkdir(parents=True)
        places = {**{f"inputs.{key}": value for key, value in self._inputs(folder).items()},
                  **{f"outputs.{key}": str(path) for key, path in outputs.items()}}  # fmt: skip
        failure, said = None, b""
        for words in self._commands(code, places):
            if self._stopped.is_set():
                return "The job was canceled."
            returned, printed = self._execute(words, code)
            said += printed
            if returned:
                tail = said.decode(errors="replace").strip()[-1500:]
                failure = f"Execution failed. User process '{words[1]}' exited with status code {returned}. {tail}"
                break
        self._keep(code, outputs, said)
        return failure

    def _commands(self, code: Path, places: dict[str, str]) -> list[list[str]]:
        """Return the scripts to run; what would install something is left out."""
        found = []
        for part in str(self.properties["command"]).replace("\n", " ").split("&&"):
            words = [PLACEHOLDER.sub(lambda match: _place(match, places), word) for word in _words(part)]
            if not words or words[:2] == ["pip", "install"] or words[1:4] == ["-m", "pip", "install"]:
                continue
            script = (code / words[1]).resolve() if len(words) > 1 else code
            own = script.is_file() and script.is_relative_to(code.parent.resolve())
            if words[0] not in {"python", "python3"} or not own:
                raise ValueError(NOT_A_SCRIPT.format(part.strip()[:200]))
            found.append([sys.executable, *words[1:]])
        return found

    def _execute(self, words: list[str], code: Path) -> tuple[int, bytes]:
        env = {key: os.environ[key] for key in KEPT if key in os.environ}
        env |= {key: str(value) for key, value in (self.properties.get("environmentVariables") or {}).items()}
        env |= {"PYTHONPATH": str(LOADER), "AZUREML_RUN_ID": self.name, "MLFLOW_RUN_ID": self.name,
                "OMP_NUM_THREADS": "1", "AUTOML_BRIDGE_SANDBOX": "azure"}  # fmt: skip
        self._process = subprocess.Popen(  # noqa: S603 (a script of the caller's own job, on their own machine)
            words, cwd=code, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        try:
            said, _nothing = self._process.communicate(timeout=REAL_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            said, _nothing = self._process.communicate()
        return self._process.returncode, said

    def _inputs(self, folder: Path) -> dict[str, str]:
        found = {}
        for key, about in (self.properties.get("inputs") or {}).items():
            if about["jobInputType"] == "literal":
                found[key] = str(about["value"])
                continue
            target = folder / "inputs" / key
            target.mkdir(parents=True)
            found[key] = str(self._fetch(about["uri"], target))
        return found

    def _fetch(self, uri: str, target: Path) -> Path:
        """Copy what is at an address; returns the folder, or the file where it is one."""
        container, path = locate(self.world, uri)
        names = [name for name, _size, _tag in self.world.blobs.names(container, path.rstrip("/"))]
        base = path.rstrip("/")
        names = [name for name in names if not base or name == base or name.startswith(f"{base}/")]
        if not names:
            raise ValueError(f"The input at {uri} does not exist.")
        for name in names:
            relative = name[len(base) :].lstrip("/") or Path(name).name
            place = (target / relative).resolve()
            if not place.is_relative_to(target.resolve()):
                continue
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(self.world.blobs.read(container, name))
        return target / Path(base).name if names == [base] else target

    def _keep(self, code: Path, outputs: dict[str, Path], said: bytes) -> None:
        prefix = artifact_prefix(self.name)
        for name in ("outputs", "logs"):
            self._upload(code / name, ARTIFACTS, f"{prefix}/{name}")
        self.world.blobs.write(ARTIFACTS, f"{prefix}/user_logs/std_log.txt", said)
        for key, folder in outputs.items():
            self._upload(folder, *locate(self.world, self.run.outputs[key]["uri"]))

    def _upload(self, folder: Path, container: str, prefix: str) -> None:
        files = sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []
        for path in files:
            name = f"{prefix.rstrip('/')}/{path.relative_to(folder).as_posix()}"
            self.world.blobs.write(container or CONTAINER, name, path.read_bytes())


def _words(part: str) -> list[str]:
    """Split a command as a shell does; a placeholder is one word, spaces and all."""
    joined = PLACEHOLDER.sub(lambda match: f"${{{{{match[1]}.{match[2]}}}}}", part)
    return shlex.split(joined)


def _place(match: re.Match[str], places: dict[str, str]) -> str:
    key = f"{match[1]}.{match[2]}"
    if key not in places:
        raise ValueError(f"the command names {key}, which the job has not")
    return places[key]
