"""scikit-learn reference backend."""
