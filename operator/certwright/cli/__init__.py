"""The command line: reads flags, builds settings, calls `app.py`. Read `main.py` first."""
