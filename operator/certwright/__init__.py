"""Certwright keeps TLS certificates in Kubernetes Secrets valid, using ACME.

Start reading at `reconcile/decide.py`: everything else gathers what it looks at, or does what it answers.
"""

__version__ = "0.1.0"
