"""Keeps measurements: rows have a natural key and are written by upsert."""
