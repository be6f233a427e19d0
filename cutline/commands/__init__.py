"""The commands, one module a family. They read options, call what does the work, and show the result.

What a command needs is imported when it runs, so that `cutline --help` answers at once.
"""
