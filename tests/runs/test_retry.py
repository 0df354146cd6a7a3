"""Backoff: waits that grow, with jitter, and an end."""

from __future__ import annotations

import random

from automl_bridge.errors import ThrottledError, TransientError
from automl_bridge.runs.retry import ATTEMPTS, FIRST, JITTER, LONGEST, PATIENCE, Backoff


def waits(error: TransientError, seed: int = 0) -> list[float]:
    backoff, now, found = Backoff(rng=random.Random(seed)), 0.0, []
    while backoff.failure(error, now):
        found.append(backoff.due - now)
        now = backoff.due
    return found


def test_waits_grow_to_the_longest_with_jitter_above():
    found = waits(TransientError("lost"))
    for number, wait in enumerate(found):
        plain = min(FIRST * 2**number, LONGEST)
        assert plain <= wait <= plain * (1 + JITTER)
    assert len(found) == ATTEMPTS - 1
    assert waits(TransientError("lost"), seed=1) != found


def test_a_throttled_call_waits_longer():
    assert waits(ThrottledError("slow down"))[0] >= 4 * FIRST


def test_patience_ends_before_the_attempts_do():
    backoff = Backoff(attempts=1000)
    assert backoff.failure(TransientError("lost"), 0.0)
    assert not backoff.failure(TransientError("lost"), PATIENCE)


def test_success_begins_anew():
    backoff = Backoff(attempts=2)
    assert backoff.failure(TransientError("lost"), 0.0)
    backoff.success()
    assert backoff.due == 0.0
    assert backoff.failure(TransientError("lost"), 1.0)
