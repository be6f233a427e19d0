"""Measured figures: how fast the real engine is, beside the limit of what it stands on. Nothing depends on it."""
