"""The time machine and the emulators that stand in for the outside world."""
