"""One cap over several runs: what each may spend, so that all together keep it.

A run's share becomes its own cap, which its backend guarantees or our engine watches; so the experiment's cap holds
in the weakest of these two ways, and also when some processes die. Shares are fair in the max-min sense: what is
cheap gets all that its worst case needs, and the dear ones share the rest equally. What one run leaves over is not
given to another, as that could not be taken back.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from automl_bridge.errors import BudgetError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Need", "least_cap", "shares"]

_STEPS_PER_USD = 1000
_MOST_USD = 10_000_000


class Need(NamedTuple):
    """What one run takes: the least cap that its backend accepts, and what it may come to at most; US dollars.

    ``bounded`` is False where nothing bounds it, and ``most`` is a guess.
    """

    least: float
    most: float
    bounded: bool = True


def least_cap(fits: Callable[[float], bool], start: float) -> float:
    """Return the least cap that ``fits``, in tenths of a cent; infinite if none does.

    Parameters
    ----------
    fits
        Whether a backend takes a cap of so many US dollars; if it takes one, it takes all larger ones.
    start
        Where to look first; the answer does not depend on it.
    """
    high = max(1, math.ceil(start * _STEPS_PER_USD))
    while not fits(high / _STEPS_PER_USD):
        high *= 2
        if high > _MOST_USD * _STEPS_PER_USD:
            return math.inf
    low = 0
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle / _STEPS_PER_USD) else (middle, high)
    return high / _STEPS_PER_USD


def shares(total: float, needs: Sequence[Need], names: Sequence[str], *, spent: float = 0.0) -> list[float]:
    """Split what is left of a cap.

    Parameters
    ----------
    total
        The cap over all runs, US dollars.
    needs, names
        What each run takes, and how to call it.
    spent
        What earlier runs have cost, or may still cost.

    Returns
    -------
    list of float
        A share for each run; together no more than what is left.

    Raises
    ------
    BudgetError
        If the least caps together are more than what is left; names the cap that would do.
    """
    left = total - spent
    least = math.fsum(need.least for need in needs)
    if least > left + 1e-9:
        raise _too_little(total, spent, least, needs, names)
    given = [need.least for need in needs]
    rest = left - least
    open_ones = sorted(range(len(needs)), key=lambda one: needs[one].most - needs[one].least)
    for place, one in enumerate(open_ones):
        more = min(max(0.0, needs[one].most - needs[one].least), rest / (len(open_ones) - place))
        given[one] += more
        rest -= more
    # What nobody's worst case needs helps those whose worst case is a guess.
    guessed = [one for one in open_ones if not needs[one].bounded]
    for one in guessed:
        given[one] += rest / len(guessed)
    return [_down(share, need.least) for share, need in zip(given, needs, strict=True)]


def _down(share: float, least: float) -> float:
    """Round down to a hundredth of a cent, so that the sum stays within the cap, but not below the least."""
    return max(least, math.floor(share * 1e4) / 1e4)


def _too_little(total: float, spent: float, least: float, needs: Sequence[Need], names: Sequence[str]) -> BudgetError:
    sums: dict[str, float] = {}
    for need, name in zip(needs, names, strict=True):
        sums[name] = sums.get(name, 0.0) + need.least
    dearest = sorted(sums.items(), key=lambda item: -item[1])
    parts = ", ".join(f"{name} {_cents(usd)}" for name, usd in dearest if usd >= 0.005) or "under a cent each"
    before = f" beside {_cents(spent)} for what has run" if spent else ""
    if not math.isfinite(least):
        never = ", ".join(name for name, usd in dearest if not math.isfinite(usd))
        return BudgetError(f"no cost cap is large enough for {never}", hint="leave it out, or set --max-time instead")
    return BudgetError(
        f"max_cost {_cents(total)} is too little for {len(needs)} runs: the least caps that they take come to "
        f"{_cents(least)}{before} ({parts})",
        hint=f"give {_cents(spent + least)} or more, fewer seeds, or leave a dear backend out",
    )


def _cents(usd: float) -> str:
    return f"${math.ceil(round(usd * 100, 6)) / 100:,.2f}" if math.isfinite(usd) else "no amount"
