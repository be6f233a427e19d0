"""Who owns what: one writer for each file, its mailbox, its supervision and its jobs."""
