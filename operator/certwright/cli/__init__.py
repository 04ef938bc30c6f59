"""The command line: reads flags, builds settings, calls `app.py`. Read `main.py` first.

Commands for users (`session.py` is their root) read through `kube/` and import no kopf; what they show is made by pure
modules (`certificate_row.py`, `certificate_table.py`).
"""
