"""scikit-learn reference backend: dummy, linear and gradient-boosting models of tables, in seconds, without extras.

It is the smallest complete backend; read it first when you write one, in this order:

`backend`     the contract: what crosses it, and nothing else
`jobs`        job folders that are whole or not there
`search`      what a training job does
`candidates`  the models it tries
`model`       what is saved, and how it is loaded without running code
"""

from automl_bridge_baseline.backend import BaselineBackend

__all__ = ["BaselineBackend"]
