"""Every AutoML behind one Estimator."""
