"""Ctrl-C: asks once, ends cleanly, says how to go on; a second one ends at once and leaves nothing running."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from terminal import Terminal, wait_until_gone, workers

CTRL_C = "\x03"


@pytest.fixture
def search(slow, table, tmp_path, home) -> Iterator[Callable[..., Terminal]]:
    """Return a function that starts a search on a terminal and waits until it is under way."""

    def start(*words: str) -> Terminal:
        terminal = Terminal("fit", table, "-t", "label", "-b", "slow", "--no-baseline", *words, cwd=tmp_path, env=slow)
        terminal.wait_for(r"slow +trial 2/∞ +epoch \d+/99 +best 0\.\d+")
        return terminal

    yield start
    for process in workers(home):
        process.kill()


def test_stop_and_keep_the_best(search, cli, slow, table):
    with search() as terminal:
        terminal.press(CTRL_C)
        terminal.wait_for(r"s/b \[s\]: ")
        terminal.press("\n")
        code = terminal.wait()
    assert code == 130
    shown = terminal.text
    assert re.search(r"holdout +slow 0\.\d+ \[", shown), shown
    run_id = re.search(r"automl-bridge runs resume (\w+)", shown).group(1)
    done = cli("predict", run_id, table, "-o", "-", env=slow)
    assert done.code == 0, done.err
    assert len(done.out.splitlines()) == 201
    assert cli("runs", "show", run_id, "--json", env=slow).document["state"] == "cancelled"


def test_keep_it_running_and_come_back(search, cli, slow, home):
    with search() as terminal:
        terminal.press(CTRL_C)
        terminal.wait_for(r"s/b \[s\]: ")
        terminal.press("b\n")
        assert terminal.wait() == 130
    run_id = re.search(r"automl-bridge runs wait (\w+)", terminal.text).group(1)
    assert workers(home)
    assert cli("runs", "show", run_id, "--json", env=slow).document["state"] == "running"
    assert cli("runs", "cancel", run_id, env=slow).code == 0
    waited = cli("runs", "wait", run_id, "--json", env=slow)
    assert waited.code == 0
    assert waited.document["state"] == "cancelled"
    assert waited.document["score"] is not None
    assert not wait_until_gone(home)


def test_a_second_ends_at_once_leaves_no_process_and_can_be_continued(search, cli, slow, home):
    with search() as terminal:
        terminal.press(CTRL_C)
        terminal.wait_for(r"s/b \[s\]: ")
        terminal.press(CTRL_C)
        assert terminal.wait() == 130
    assert "Traceback" not in terminal.text
    assert not wait_until_gone(home)
    run_id = re.search(r"Ended at once.*automl-bridge runs resume (\w+)", terminal.text).group(1)
    resumed = cli("runs", "resume", run_id, "--max-time", "1s", "--json", env=slow)
    assert resumed.code == 0, resumed.err
    assert cli("runs", "show", run_id, "--json", env=slow).document["state"] == "cancelled"


def test_without_a_terminal_it_stops_and_keeps_the_best(slow, table, tmp_path, home):
    command = [sys.executable, "-m", "automl_bridge.cli", "fit", str(table), "-t", "label", "-b", "slow", "--json"]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        cwd=tmp_path,
        env={**os.environ, **slow},
        start_new_session=True,
    ) as process:
        for line in process.stderr:
            if line.startswith("  slow       trial"):
                break
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    document = json.loads(out)
    assert document["state"] == "cancelled"
    assert document["score"] is not None
    assert f"runs resume {document['run_id'][:8]}" in err
    assert "Traceback" not in err
    assert not wait_until_gone(home)


def test_the_live_view_moves_and_leaves_a_clean_page(search):
    with search("--max-time", "4s") as terminal:
        assert terminal.wait() == 0
    # After the search, what moved is gone and the result stands alone.
    assert "\x1b[?25h" in terminal.raw
    last = terminal.text[terminal.text.rindex("╭") :]
    assert "rank" in last
    assert re.search(r"holdout +slow", last)
    assert "epoch 1" not in last


def test_a_dumb_terminal_gets_lines(slow, table, tmp_path):
    words = ("fit", table, "-t", "label", "-b", "baseline")
    with Terminal(*words, cwd=tmp_path, env={**slow, "TERM": "dumb", "NO_COLOR": "1"}) as terminal:
        assert terminal.wait() == 0
    assert "\x1b" not in terminal.raw
