"""The API server: `api.py` speaks to it, one file for each kind that we write says what is written.

It knows paths, verbs, field managers and answers. It must not know why anything is written. Read `api.py` first;
`cluster.py` builds them all.
"""
