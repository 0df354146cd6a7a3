"""A thousand AutoML jobs polled by one process: calls, CPU and memory of a poll.

    python benchmarks/polling_sagemaker.py --jobs 1000 --polls 5

The service is a moto server in a process of its own, on loopback; its jobs never end. moto lacks the list of
candidates, so the details of the few jobs that a poll looks into are counted as calls and come to nothing.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

from staging import serve

MOST_CALLS_PER_PAGE = 1.0
MEMORY_MB = 200.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--polls", type=int, default=5)
    given = parser.parse_args()
    server, endpoint = serve()
    keys = {"AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench", "AWS_EC2_METADATA_DISABLED": "true"}
    os.environ.update(keys | {"AWS_ENDPOINT_URL": endpoint})
    try:
        measured = measure(given.jobs, given.polls)
    finally:
        server.kill()
        server.wait()
    print(json.dumps(measured, indent=1))
    pages = -(-given.jobs // 100)
    fits = measured["list calls a poll"] <= MOST_CALLS_PER_PAGE * pages and measured["peak MB"] <= MEMORY_MB
    return 0 if fits else 1


def measure(jobs: int, polls: int) -> dict[str, float]:
    from automl_bridge.backend import JobRef
    from automl_bridge.budget import Budget
    from automl_bridge.spec import ColumnProfile, JobSpec, Kind, Profile, Role
    from automl_bridge_sagemaker import SageMakerBackend
    from automl_bridge_sagemaker.settings import SageMakerSettings

    columns = [ColumnProfile(name=n, safe_name=n, kind=Kind.NUMERIC, role=r, arrow_type="double")
               for n, r in (("x", Role.FEATURE), ("y", Role.TARGET))]  # fmt: skip
    profile = Profile(rows={"train": 900}, bytes=9000, columns=columns, fingerprint="0" * 64)
    role = "arn:aws:iam::123456789012:role/bench"
    with tempfile.TemporaryDirectory() as folder:
        backend = SageMakerBackend(SageMakerSettings(region="us-east-1", bucket="bench", role_arn=role), Path(folder))
        client = backend._clients.sagemaker  # noqa: SLF001 - the very client whose calls are counted
        refs = []
        for number in range(jobs):
            name = f"ab-{number:012x}"
            common = {"task": "tabular-regression", "target": ("y",), "metric": "rmse", "budget": Budget(max_time=900)}
            spec = JobSpec(name=name, profile=profile, **common)
            arn = client.create_auto_ml_job_v2(**backend.plan(spec).request)["AutoMLJobArn"]
            refs.append(JobRef(backend="sagemaker", name=name, remote_id=arn))
        calls: collections.Counter[str] = collections.Counter()
        client.meta.events.register("before-call.sagemaker", lambda model, **_: calls.update([model.name]))
        began, cpu = time.perf_counter(), time.process_time()
        for _ in range(polls):
            assert len(backend.poll(refs)) == jobs
    lists = calls.pop("ListAutoMLJobs")
    return {
        "jobs": jobs,
        "list calls a poll": lists / polls,
        "other calls a poll": sum(calls.values()) / polls,
        "CPU ms a poll": round(1000 * (time.process_time() - cpu) / polls),
        "wall ms a poll": round(1000 * (time.perf_counter() - began) / polls),
        "peak MB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


if __name__ == "__main__":
    sys.exit(main())
