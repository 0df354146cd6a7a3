"""A search space of your own: AutoKeras blocks between our input and our head, and everything else as ever.

python examples/custom_search.py
"""

from __future__ import annotations

import argparse

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from automl_bridge import Estimator


def build(data):  # noqa: ARG001 - may be left out, too
    """Return one convolutional block whose size is searched. It runs in the worker; ``data`` says what there is."""
    import autokeras as ak

    image = ak.ImageInput()
    node = ak.Normalization()(image)
    node = ak.ConvBlock(num_blocks=1, max_pooling=True)(node)
    node = ak.DenseBlock(num_layers=1)(node)
    # Or, where AutoKeras has no block for it: nodes of data.nodes, such as data.nodes["image_0"].
    return ak.AutoModel(image, ak.ClassificationHead()(node))


def main() -> None:
    """Search the space for a few trials, and score digits that were kept back."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=15)
    options = parser.parse_args()

    pixels, labels = load_digits(return_X_y=True)
    images = (pixels.reshape(-1, 8, 8) / 16 * 255).astype(np.uint8)
    train, test, train_labels, test_labels = train_test_split(images, labels, random_state=0, stratify=labels)
    estimator = Estimator(
        task="image-classification",
        backend="autokeras",
        budget={"max_trials": options.trials},
        # A function of this file, or "package.module:build", or "file.py:build" in the configuration.
        settings={"search_space": build, "epochs": options.epochs, "tuner": "random"},
        metric="accuracy",
        random_state=0,
    )
    estimator.fit(train, train_labels)
    print(estimator.leaderboard_)
    print(f"accuracy on {len(test)} other digits: {estimator.score(test, test_labels):.3f}")


if __name__ == "__main__":
    main()
