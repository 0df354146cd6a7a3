"""Which AutoML should I use, and what does it cost?

python examples/compare.py
python examples/compare.py --backends autokeras,sagemaker --max-cost 30 --seeds 3
"""

from __future__ import annotations

import argparse
from pathlib import Path

from automl_bridge import compare

DATA = Path(__file__).parent / "data" / "credit.csv"


def main() -> None:
    """Compare backends on the example table; the same command again goes on where it was."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", default=DATA, help="a CSV, Parquet or Arrow file")
    parser.add_argument("--target", default="status", help="what to predict")
    parser.add_argument("--backends", default="autokeras", help="who takes part besides the baseline: a,b,c")
    parser.add_argument("--seeds", type=int, default=1, help="seeds for each")
    parser.add_argument("--max-time", default="2m", help="of each run")
    parser.add_argument("--max-cost", type=float, help="US dollars for all runs together")
    parser.add_argument("--report", default="report.html", help="the file to write")
    arguments = parser.parse_args()
    result = compare(
        arguments.data,
        target=arguments.target,
        backends=arguments.backends.split(","),
        seeds=arguments.seeds,
        budget={"max_time": arguments.max_time},
        max_cost_usd=arguments.max_cost,
        random_state=0,
        verbose=True,
    )
    print(result)
    print(f"report: {result.report(arguments.report)}")


if __name__ == "__main__":
    main()
