"""The engine: what is worked on next, by whom, and when it is looked at again.

It knows keys, due times, threads and fair shares; it must not know what a key stands for, nor the cluster,
CAs or DNS. Clock and dice are handed in: nothing here reads the time or throws by
itself. Read `queue.py` first.
"""
