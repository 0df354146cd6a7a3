"""``python -m automl_bridge.cli``: the same as ``automl-bridge``."""

from automl_bridge.cli import main

main()
