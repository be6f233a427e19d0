"""Cutline runs paid golf contests unattended, from entry fee to paid winner."""

__version__ = "0.1.0"
