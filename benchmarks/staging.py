"""A large table to a bucket: `stage` of the sagemaker backend beside `pandas.to_csv` and `upload_file`.

    python benchmarks/staging.py --mb 1000

The bucket is a moto server in a process of its own, on loopback. Each way runs in a process of its own, on the same
rows; peak memory is what the kernel says of that process. "again" is the second staging of the same data.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

FASTER = 3.0
MEMORY_MB = 600.0

SERVER = "from moto.server import main; main(['-H', '127.0.0.1', '-p', '{port}'])"
OURS = """
from automl_bridge.data.dataset import Dataset
from automl_bridge.spec import JobSpec
from automl_bridge.task import Task
from automl_bridge_sagemaker import SageMakerBackend
from automl_bridge_sagemaker.settings import SageMakerSettings
dataset = Dataset.open(Path({folder!r}))
role = "arn:aws:iam::123456789012:role/bench"
backend = SageMakerBackend(SageMakerSettings(region="us-east-1", bucket="bench", role_arn=role), Path({folder!r}))
spec = JobSpec(name="ab-bench", task=Task.TABULAR_REGRESSION, target=("label",), metric="rmse", profile=dataset.profile)
plan = backend.plan(spec)
begin()
sent = backend.stage(plan, dataset).bytes_sent
"""
THEIRS = """
import boto3
import pyarrow as pa
with pa.memory_map({file!r}) as source:
    frame = pa.ipc.open_file(source).read_all().to_pandas()
s3 = boto3.client("s3", region_name="us-east-1")
begin()
frame.to_csv({csv!r}, index=False)
s3.upload_file({csv!r}, "bench", "theirs.csv")
sent = Path({csv!r}).stat().st_size
"""
MEASURED = """
import json, resource, time
from pathlib import Path
times = []
def begin():
    times.append(time.perf_counter())
{body}
seconds = time.perf_counter() - times[0]
print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, sent]))
"""


def make(folder: Path, megabytes: int) -> Path:
    """Save a dataset of about ``megabytes`` in memory, all of it for training; return its folder."""
    import numpy as np
    import pyarrow as pa

    from automl_bridge.data.build import build_dataset

    rng = np.random.default_rng(0)
    rows = megabytes * 1_000_000 // 130
    cities = pa.array(["Aachen", "Bremen", "Celle", "Dresden"])
    columns = {f"number_{n}": rng.normal(size=rows).round(4) for n in range(12)}
    columns |= {f"count_{n}": rng.integers(0, 1000, rows, dtype="int32") for n in range(3)}
    columns["city"] = pa.DictionaryArray.from_arrays(rng.integers(0, 4, rows, dtype="int32"), cities).cast("string")
    columns["label"] = columns["number_0"] * 2 + rng.normal(size=rows)
    table = pa.table(columns)
    table = pa.Table.from_batches(table.to_batches(max_chunksize=64_000))
    _, dataset = build_dataset(table, target="label", task="tabular-regression", holdout=0.0, validation=0.0)
    return dataset.save(folder).path


def run(body: str, endpoint: str) -> tuple[float, float, int]:
    keys = {"AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench", "AWS_EC2_METADATA_DISABLED": "true"}
    done = subprocess.run(
        [sys.executable, "-c", MEASURED.format(body=body)],
        check=True, capture_output=True, text=True, env={**os.environ, **keys, "AWS_ENDPOINT_URL": endpoint},
    )  # fmt: skip
    seconds, megabytes, sent = json.loads(done.stdout.splitlines()[-1])
    return seconds, megabytes, sent


def serve() -> tuple[subprocess.Popen[bytes], str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    quiet = subprocess.DEVNULL
    server = subprocess.Popen([sys.executable, "-c", SERVER.format(port=port)], stdout=quiet, stderr=quiet)
    endpoint, deadline = f"http://127.0.0.1:{port}", time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(urllib.request.Request(f"{endpoint}/bench", method="PUT")):
                return server, endpoint
        except OSError:
            time.sleep(0.1)
    server.kill()
    raise SystemExit("moto did not start")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mb", type=int, default=1000)
    size = parser.parse_args().mb
    with tempfile.TemporaryDirectory() as temporary:
        # In a process of its own: what a process weighed when it started another counts as the other's peak.
        code = f"import staging; print(staging.make(staging.Path({temporary!r}), {size}))"
        made = subprocess.check_output([sys.executable, "-c", code], text=True, cwd=Path(__file__).parent)
        folder = Path(made.splitlines()[-1])
        print(f"table of {size} MB, {os.cpu_count()} cores")
        server, endpoint = serve()
        try:
            ours = run(OURS.format(folder=str(folder)), endpoint)
            again = run(OURS.format(folder=str(folder)), endpoint)
            csv = str(Path(temporary) / "theirs.csv")
            theirs = run(THEIRS.format(file=str(folder / "train.arrow"), csv=csv), endpoint)
        finally:
            server.kill()
            server.wait()
    for name, (seconds, memory, sent) in (("to_csv + upload_file", theirs), ("stage", ours), ("stage again", again)):
        print(f"{name:22s} {seconds:8.2f} s  peak {memory:7.0f} MB  sent {sent / 1e6:8.1f} MB")
    ratio = theirs[0] / ours[0]
    print(
        f"{ratio:.1f} × faster (aim {FASTER:g}), peak {ours[1]:.0f} MB (aim {MEMORY_MB:g}), second sends {again[2]} B"
    )
    return 0 if ratio >= FASTER and ours[1] <= MEMORY_MB and again[2] == 0 else 1


if __name__ == "__main__":
    raise SystemExit(main())
