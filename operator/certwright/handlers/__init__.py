"""kopf's room: the only place that imports it, and the only one that contains the word `async`.

`watch.py` runs kopf in a thread of its own and restarts it when it exits; `source.py` is what its handlers call;
`relist.py` finds what watches miss. They put objects into the cache and keys into the queue, and decide nothing.
"""
