"""Azure Automated ML as a backend."""
