"""`certwright respond`, the solver pod's program: it answers the CA over HTTP with what the token tables say.

It knows HTTP, the tables and where to watch them. It must not know Certificates, orders, or how rows come into tables.
Read `answers.py` first, then `program.py`.
"""
