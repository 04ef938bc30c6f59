"""What `make bench` measures: one file for each scenario; `__main__.py` lists them.

Claims of speed are counts, and ratios of costs that were measured in one run, so they hold on any machine; no test
asserts a time. `cost.py` measures, `spent.py` has a process tell what it cost; `idle_ca.py` is the CA that does next to
nothing, `many_certificates.py` an API server that shows ten thousand.
(`tests/kit/bench.py` is something else: the real servers that tests run against.)
"""
