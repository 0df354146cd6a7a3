"""The command line. Importing it loads nothing; `main` loads what the words on the command line need."""

from __future__ import annotations

__all__ = ["main"]


def main() -> None:
    """Run the command line and end the process: 0 done, 1 the job failed, 2 bad usage or bad input, 130 Ctrl-C."""
    from automl_bridge.cli.entry import run

    run()
