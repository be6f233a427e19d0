"""Scores of golfers and entries under a tournament configuration."""
