"""ACME (RFC 8555, RFC 9773): what is said to a CA, what it answers, and what helps when it refuses.

It knows messages, signatures, nonces and refusals; flows are generators that ask and are answered, and
`transport.py` alone speaks HTTP. It must not know Kubernetes, DNS, or what a certificate looks like inside.
Read `flow.py` first, then `flows.py`.
"""
