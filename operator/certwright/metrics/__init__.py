"""What can be measured: every series in one table (`catalog.py`), and how it is served (`exposition.py`)."""
