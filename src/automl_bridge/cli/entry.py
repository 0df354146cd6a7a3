"""From the words on the command line to an exit code; no error leaves it as a traceback."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import warnings
from typing import TYPE_CHECKING, Any, TextIO

from automl_bridge.cli.output import Output, claim_stdout, install
from automl_bridge.cli.process import claim
from automl_bridge.errors import AutoMLBridgeError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["INTERRUPTED", "invoke", "run", "typed"]

INTERRUPTED = 130
"""Exit code after Ctrl-C: 128 + SIGINT, as shells have it."""
BROKEN_PIPE = 141
"""Exit code after the reader went away: 128 + SIGPIPE."""


def run() -> None:
    """Run the process's own command line and exit."""
    # Of a package that nobody needs. requests hides it by a filter of its own, which threads that record warnings lose.
    warnings.filterwarnings("ignore", message="SOCKS support in urllib3 requires")
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a tick shows a question mark instead of failing.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    claim()
    code = invoke(sys.argv[1:])
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        code = BROKEN_PIPE
    if code == BROKEN_PIPE:
        # The interpreter would flush once more at exit and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.exit(code)


def invoke(args: Sequence[str]) -> int:
    """Run one command; return its exit code."""
    words = list(args)
    flags = words[: words.index("--")] if "--" in words else words
    json_mode, debug = "--json" in flags, "--debug" in flags
    with contextlib.ExitStack() as stack:
        stream: TextIO = stack.enter_context(claim_stdout()) if json_mode else sys.stdout
        output = install(Output(json_mode=json_mode, debug=debug, stream=stream))
        try:
            return _call(words)
        except BrokenPipeError:
            return BROKEN_PIPE
        except BaseException as error:  # noqa: BLE001 - the last one who can say something about it
            return report(output, error)


def _call(words: list[str]) -> int:
    import typer
    from typer.main import get_command

    from automl_bridge.cli.app import app

    try:
        result = get_command(app).main(args=words, prog_name="automl-bridge", standalone_mode=False)
    except typer.Abort:
        raise KeyboardInterrupt from None
    return result if isinstance(result, int) else 0


def report(output: Output, error: BaseException) -> int:
    """Say what went wrong, on the stream and in the form that was asked for; return the exit code."""
    try:
        if isinstance(error, SystemExit):
            return error.code if isinstance(error.code, int) else 1
        return _report(output, error)
    except BrokenPipeError:
        return BROKEN_PIPE
    except KeyboardInterrupt:
        return INTERRUPTED


def _report(output: Output, error: BaseException) -> int:
    if output.debug and not _is_usage(error):
        import traceback

        traceback.print_exception(error, file=sys.stderr)
    if isinstance(error, KeyboardInterrupt):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        content: dict[str, Any] = {"type": "Interrupted", "message": "stopped", "exit_code": INTERRUPTED}
        content["hint"] = "automl-bridge runs list shows what was started"
    elif isinstance(error, AutoMLBridgeError):
        content = typed(error)
    elif _is_usage(error):
        content = _usage(error)
    else:
        content = _unexpected(error)
    if output.json_mode:
        output.document({"error": content})
    else:
        from automl_bridge.reports.terminal import print_error

        print_error(output.err, content)
    return int(content["exit_code"])


def typed(error: AutoMLBridgeError) -> dict[str, Any]:
    """Write an error of ours down for ``--json``."""
    content: dict[str, Any] = {"type": type(error).__name__, "message": error.message, "exit_code": error.exit_code}
    for name in ("source", "limit", "hint", "kind", "run_id"):
        if getattr(error, name, None):
            content[name] = getattr(error, name)
    return content


def _is_usage(error: BaseException) -> bool:
    return hasattr(error, "format_message") and hasattr(error, "exit_code")


def _usage(error: BaseException) -> dict[str, Any]:
    """Words that the parser did not understand; the parser's own class differs between its versions."""
    words: Any = error
    context = getattr(words, "ctx", None)
    command = context.command_path if context is not None else "automl-bridge"
    # A group without a command has shown its help already, and has no message.
    message = words.format_message().strip() or "which command?"
    return {
        "type": "UsageError",
        "message": message[:1].lower() + message[1:],
        "hint": f"{command} --help shows how it is used",
        "exit_code": 2,
    }


def _unexpected(error: BaseException) -> dict[str, Any]:
    """Something nobody foresaw: short here, whole in a log."""
    words = str(error).strip().splitlines()
    message = f"unexpected {type(error).__name__}" + (f": {words[0]}" if words else "")
    log = _write_log(error)
    content: dict[str, Any] = {"type": type(error).__name__, "message": message, "exit_code": 1}
    content["hint"] = "the same command with --debug shows where it happened"
    if log is not None:
        content["log"] = str(log)
    return content


def _write_log(error: BaseException) -> Path | None:
    """Keep the traceback in ``<home>/logs``; None where nothing can be written."""
    import traceback
    from datetime import UTC, datetime

    try:
        from automl_bridge.config import load_config

        folder = load_config().home / "logs"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{os.getpid()}.log"
        path.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    except (OSError, AutoMLBridgeError):
        return None
    return path
