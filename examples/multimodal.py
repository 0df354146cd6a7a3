"""One table with pictures, texts, categories and numbers; one target, then two at once.

python examples/multimodal.py
python examples/multimodal.py --backend autokeras --max-time 3m

The rows are real handwritten digits of scikit-learn. Each is told in four ways, none of which says enough: a picture
of its upper half, a sentence about its lower half, whether it is heavy or light, and the share of ink on its left.
"""

from __future__ import annotations

import argparse

import numpy as np
from sklearn.datasets import load_digits

from automl_bridge import Budget, Estimator

WORDS = ("empty", "thin", "broken", "full")


def table() -> tuple[dict[str, object], np.ndarray]:
    """Return the columns, and the digits that they are of."""
    data = load_digits()
    upper, lower = data.images[:, :4] / 16, data.images[:, 4:] / 16
    rows = [[WORDS[min(3, int(4 * row.mean()))] for row in half] for half in lower]
    ink = data.images.sum(axis=(1, 2))
    from PIL import Image

    columns: dict[str, object] = {
        "upper half": [_png(Image.fromarray((half * 255).astype(np.uint8))) for half in upper],
        "lower half": [f"below it is {', then '.join(words)} of line {number}" for number, words in enumerate(rows)],
        "weight": np.where(ink > np.median(ink), "heavy", "light"),
        "left": data.images[:, :, :4].sum(axis=(1, 2)) / ink,
    }
    return columns, data.target


def _png(image: object) -> bytes:
    import io

    buffer = io.BytesIO()
    image.save(buffer, "PNG")  # type: ignore[attr-defined]
    return buffer.getvalue()


def main() -> None:
    """Learn the digit from all columns, then two numbers at once."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", default="baseline", help="where to train")
    parser.add_argument("--max-time", default="3m", help="for each of the two")
    arguments = parser.parse_args()
    common = {"backend": arguments.backend, "budget": Budget(max_time=arguments.max_time), "random_state": 0}
    columns, digit = table()

    estimator = Estimator(metric="accuracy", **common).fit(columns, digit)
    kinds = {column.name: str(column.kind) for column in estimator.run_.spec.profile.features}
    print(f"{estimator.task_} of {kinds}: accuracy {estimator.score_:.3f}")

    targets = np.column_stack(
        [load_digits().images[:, 4:].mean(axis=(1, 2)), load_digits().images[:, :, 4:].std(axis=(1, 2))]
    )
    estimator = Estimator(metric="r2", **common).fit(columns, targets)
    first = estimator.predict(columns)[:2].round(2).tolist()
    print(f"{estimator.task_} of two numbers: R² {estimator.score_:.3f}; the first two rows {first}")


if __name__ == "__main__":
    main()
