"""Proving names: which solver may prove which name, what the proof is, and how DNS-01 is done.

It knows issuers' solver specs and the DNS room. It must not know Certificates' life cycle, orders or Kubernetes.
Read `choice.py` first.
"""
