"""Objects that ask for certificates by annotations, and the Certificates that are made for them.

`applicant.py` is what asks, as a value; `ingress.py` makes one of an Ingress, and any further kind is one more file
like it and a row of `kinds.py`. `plan.py` thinks, and is pure, as are the modules that it thinks with; `register.py`
remembers, and `backlog.py` what is left to do; `loop.py` does. Nothing here knows of orders and CAs, or how the API
server is spoken to. Read `plan.py` first.
"""
