"""The schema of each file kind, as numbered migrations."""
