"""Google Vertex AI AutoML as a backend."""
