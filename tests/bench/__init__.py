"""What `make bench` measures: one file for each scenario; `__main__.py` lists them.

Claims of speed are counts, and ratios of costs that were measured in one run, so they hold on any machine; no test
asserts a time. `cost.py` measures, `idle_ca.py` is the CA that does next to nothing. (`tests/kit/bench.py` is
something else: the real servers that tests run against.)
"""
