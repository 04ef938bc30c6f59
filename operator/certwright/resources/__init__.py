"""Our custom resources as values, and every word we say to users.

It knows the CRDs' fields, names and rules, and the Reason table. It must not know the API server, ACME, DNS,
the clock or the network. Read `certificate.py` and `conditions.py` first.
"""
