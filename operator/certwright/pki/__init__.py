"""Keys, requests and certificates as facts: what is in a PEM, and whether it is what was asked.

It knows X.509 and nothing else: no CA, no cluster, no clock. Past this room nobody sees PEM or parses DER.
Read `leaf.py` first.
"""
