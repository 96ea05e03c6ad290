"""The command line: one file per command. May import everything. Start at `cli.py`."""
