import pytest

from automl_bridge.sandbox.clock import SimulatedClock


class Timer:
    def __init__(self):
        self.seconds = 0.0

    def __call__(self):
        return self.seconds


@pytest.fixture
def timer():
    return Timer()


def test_runs_like_any_clock_while_nobody_waits(timer):
    clock = SimulatedClock(100, timer=timer, start=1000)
    timer.seconds = 5
    assert clock.time() == 1005


def test_races_up_to_the_moment_that_is_waited_for(timer):
    clock = SimulatedClock(100, timer=timer, start=0)
    clock.run_until(500)
    timer.seconds = 2
    assert clock.time() == 200
    timer.seconds = 7  # 5 s of racing, 2 s of ordinary time
    assert clock.time() == 502


def test_an_earlier_moment_does_not_slow_it_down(timer):
    clock = SimulatedClock(100, timer=timer, start=0)
    clock.run_until(500)
    clock.run_until(100)
    timer.seconds = 4
    assert clock.time() == 400


def test_advance_jumps(timer):
    clock = SimulatedClock(1, timer=timer, start=10)
    assert clock.advance(3600) == 3610
    assert clock.time() == 3610


def test_a_new_factor_holds_from_now_on(timer):
    clock = SimulatedClock(10, timer=timer, start=0)
    clock.run_until(1000)
    timer.seconds = 1
    clock.factor = 100
    timer.seconds = 2
    assert clock.time() == 110


def test_two_hours_take_a_second_by_default(timer):
    clock = SimulatedClock(timer=timer, start=0)
    clock.run_until(7200)
    timer.seconds = 1
    assert clock.time() == 7200


@pytest.mark.parametrize("factor", [0, -1])
def test_refuses_a_factor_that_stands_still_or_runs_back(factor):
    with pytest.raises(ValueError, match="factor"):
        SimulatedClock(factor)


def test_time_does_not_run_backwards():
    with pytest.raises(ValueError, match="backwards"):
        SimulatedClock(1).advance(-1)
