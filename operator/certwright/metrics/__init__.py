"""What can be measured: every series in one table (`catalog.py`), and how it is served (`exposition.py`).

`registry.py` counts; `figures.py` and `objects.py` read what others know when somebody scrapes.
"""
