"""One script, any backend: nothing in it says where it trains.

python examples/train.py
python examples/train.py --backend baseline
python examples/train.py --profile quick
AUTOML_BRIDGE_BACKEND=baseline python examples/train.py
"""

from __future__ import annotations

import argparse

from sklearn.datasets import load_iris
from sklearn.model_selection import train_test_split

from automl_bridge import Estimator


def main() -> None:
    """Train where flag, profile, variable or file say, and score rows that were kept back."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", help="where to train")
    parser.add_argument("--profile", help="a [profiles.NAME] of the configuration")
    arguments = parser.parse_args()
    X, y = load_iris(return_X_y=True, as_frame=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0, stratify=y)
    estimator = Estimator(backend=arguments.backend, profile=arguments.profile, random_state=0)
    estimator.fit(X_train, y_train)
    print(estimator.leaderboard_)
    print(f"{estimator.run_.backend}: accuracy {estimator.score(X_test, y_test):.3f} on {len(y_test)} rows")


if __name__ == "__main__":
    main()
