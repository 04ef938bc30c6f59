"""The bench: starts real servers on loopback and stops every one of them again.

It knows Kubernetes, Pebble and DNS servers as programs with flags, ports and logs. It must not know the
operator: nothing here imports certwright, so that what the tests count and see comes from somebody else.

Read bench.py first: it is the whole bench in one class. `python -m tests.kit up` starts it for a shell.
"""
