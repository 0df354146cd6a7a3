"""The process of a detached stand-in: ``python -m automl_bridge.sandbox.serve PROVIDER --state FILE``."""

from __future__ import annotations

import argparse
import json
import os
import signal
import threading
from pathlib import Path

from automl_bridge.sandbox.clock import DEFAULT_FACTOR
from automl_bridge.sandbox.server import SandboxServer

__all__ = ["main"]


def main(argv: list[str] | None = None) -> None:
    """Serve until a signal asks to stop; write where and who into the state file once it listens."""
    import psutil

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("provider")
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--factor", type=float, default=DEFAULT_FACTOR)
    options = parser.parse_args(argv)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    with SandboxServer(options.provider, port=options.port, factor=options.factor) as server:
        state = {
            "provider": options.provider,
            "pid": os.getpid(),
            "created": psutil.Process().create_time(),
            "port": server.port,
            "url": server.url,
            "env": server.env,
            "certificate": str(server.certificate.certificate) if server.certificate else "",
        }
        waiting = options.state.with_suffix(".writing")
        waiting.write_text(json.dumps(state, indent=2))
        waiting.replace(options.state)
        ended.wait()
    options.state.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
