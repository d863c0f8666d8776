"""The only rooms that see pictures."""
