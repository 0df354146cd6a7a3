"""Usage, prices and what they come to."""
