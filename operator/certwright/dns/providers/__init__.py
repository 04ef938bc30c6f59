"""One file for each kind of place that hosts zones; each fits `provider.TxtProvider`.

A provider knows one protocol and the credentials for it; it must not know who asked, nor whether the record
can be seen elsewhere. Read `rfc2136.py` first.
"""
