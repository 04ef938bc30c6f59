"""The heart: one Certificate, one Issuer, one turn at a time.

`decide.py` makes up the operator's mind and is pure, as are the modules it thinks with (`observed`, `problems`,
`actions`, `renewal`, `backoff`, `verdict`). `observe.py` gathers, `perform.py` does, `record.py` writes down, and
`loop.py` turns the wheel. Nothing here knows kopf or how the API server is spoken to: `ports.py` says what is
needed of the cluster, `kube/` fits it. Read `decide.py` first.
"""
