"""The room of keys and certificates."""
