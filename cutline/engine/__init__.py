"""The rules of contests and money, as pure functions: no I/O, no clock, no threads, no randomness."""
