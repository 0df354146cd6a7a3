"""Blob storage: a small one of our own, or Azurite behind the same door."""

from __future__ import annotations
