"""scikit-learn reference backend: dummy, linear and boosting models of tables, texts and pictures, without extras.

It is the smallest complete backend; read it first when you write one, in this order:

`backend`     the contract: what crosses it, and nothing else
`jobs`        job folders that are whole or not there
`search`      what a training job does
`candidates`  the models it tries
`reader`      what they read: columns as numbers (`features`), texts as weighted terms (`texts`), small `pictures`
`model`       what is saved, and how it is loaded without running code
"""

from automl_bridge_baseline.backend import BaselineBackend

__all__ = ["BaselineBackend"]
