"""Runs: one JobSpec on one backend."""
