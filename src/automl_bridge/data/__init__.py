"""Tables in: readers, schema, split, fingerprint."""
