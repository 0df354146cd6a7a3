"""What runs in the workspace, beside the model: never imported here."""
