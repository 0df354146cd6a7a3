"""Worker processes for backends on this machine."""
