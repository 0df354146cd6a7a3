"""A real MLflow tracking server in a process of its own: ``python mlflow_server.py STORE ARTIFACTS PORT``."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Serve until the process is ended."""
    store, artifacts, port = sys.argv[1:4]
    # What `mlflow server` sets for the application that it starts.
    os.environ |= {
        "_MLFLOW_SERVER_FILE_STORE": store,
        "_MLFLOW_SERVER_REGISTRY_STORE": store,
        "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
        "_MLFLOW_SERVER_ARTIFACT_DESTINATION": artifacts,
        "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    from mlflow.server import app
    from werkzeug.serving import run_simple

    run_simple("127.0.0.1", int(port), app, threaded=True)


if __name__ == "__main__":
    main()
