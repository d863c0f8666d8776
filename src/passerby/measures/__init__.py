"""Moments → numbers, one file a measure."""
