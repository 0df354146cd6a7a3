"""The AutoKeras backend."""
