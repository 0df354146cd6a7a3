"""Texts: a list of strings for classes, a table for numbers, and a file of lines to predict.

python examples/texts.py
python examples/texts.py --backend autokeras --max-time 3m

The texts are real and on this machine already: the documentation of functions of numpy, scipy, pandas and
scikit-learn. What is learned is which library a text is from, and how many parameters its function takes.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import warnings

from automl_bridge import Budget, Estimator

MODULES = {
    "numpy": ["numpy", "numpy.linalg", "numpy.fft", "numpy.ma"],
    "pandas": ["pandas", "pandas.api.types", "pandas.tseries.offsets"],
    "scipy": ["scipy.stats", "scipy.signal", "scipy.linalg", "scipy.optimize", "scipy.ndimage"],
    "sklearn": ["sklearn.linear_model", "sklearn.ensemble", "sklearn.metrics", "sklearn.preprocessing"],
}


def paragraphs() -> tuple[list[str], list[str], list[int]]:
    """Return the first paragraph of each function's documentation, its library, and its number of parameters."""
    found: dict[str, tuple[str, int]] = {}
    warnings.simplefilter("ignore")  # names that are going away
    for library, modules in MODULES.items():
        for module in map(importlib.import_module, modules):
            for name in sorted(vars(module)):
                thing = vars(module)[name]
                text = (inspect.getdoc(thing) or "").partition("\n\n")[2][:1000].replace(library, "it")
                if name.startswith("_") or not callable(thing) or len(text) < 80:
                    continue
                try:
                    found.setdefault(text, (library, len(inspect.signature(thing).parameters)))
                except (TypeError, ValueError):
                    continue
    return list(found), [library for library, _ in found.values()], [count for _, count in found.values()]


def main() -> None:
    """Learn a class and a number, and predict texts that nobody documented."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", default="baseline", help="where to train")
    parser.add_argument("--max-time", default="3m", help="for each of the two")
    arguments = parser.parse_args()
    common = {"backend": arguments.backend, "budget": Budget(max_time=arguments.max_time), "random_state": 0}
    texts, libraries, parameters = paragraphs()
    print(f"{len(texts):,} texts of {min(map(len, texts))} to {max(map(len, texts))} characters")

    estimator = Estimator(metric="accuracy", **common).fit(texts, libraries)
    print(f"the library: {estimator.task_}, accuracy {estimator.score_:.3f}")
    for text in ("The eigenvalues of a Hermitian matrix.", "Fit the classifier to labelled samples.", "😀", ""):
        print(f"  {text!r}: {estimator.predict([text])[0]}")

    estimator = Estimator("text-regression", metric="mae", **common)
    estimator.fit({"text": texts, "parameters": parameters}, target="parameters")
    print(f"the number of parameters: {estimator.task_}, mean error {estimator.score_:.2f}")


if __name__ == "__main__":
    main()
