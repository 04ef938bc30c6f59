"""Troubles of somebody who uses Certwright for the first time, and what `certwright status` prints of each.

`trouble.py` says what a trouble is, the modules beside it hold the table, `told/` what was printed, and `page.py` makes
operator/TROUBLESHOOTING.md of both.
"""
