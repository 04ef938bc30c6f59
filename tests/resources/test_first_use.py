"""Classes that msgspec reads into are understood at import, before there are threads.

Of two threads that are the first to use a class at the same time, one finds half-made notes about it and crashes the
whole process. It happened to about one start in thirty, where two issuers came in at once.
"""

from __future__ import annotations

import subprocess
import sys

IMPORT_ALL = """
import sys
import msgspec
import certwright.app, certwright.cli.main

def of_ours(base):
    for each in base.__subclasses__():
        yield from of_ours(each)
        if each.__module__.startswith("certwright."):
            yield each
"""
LATE = (
    IMPORT_ALL
    + """
late = set()
def watch(frame, event, _):
    # The part of msgspec that is written in C asks this function what a class is like, once for each class.
    if event == "call" and frame.f_code.co_name == "get_class_annotations":
        late.add(frame.f_locals["obj"].__qualname__)

shapes = list(of_ours(msgspec.Struct))
sys.setprofile(watch)
for shape in shapes:
    msgspec.json.Decoder(shape)
sys.setprofile(None)
print(len(shapes), *sorted(late - {"_Wire"}))
"""
)
AT_ONCE = """
import sys, threading
from certwright.resources.issuer import read_issuer
from certwright.resources.names import ApiNames

sys.setswitchinterval(1e-6)
body = {
    "kind": "Issuer",
    "metadata": {"name": "ca", "namespace": "shop", "uid": "1", "resourceVersion": "1"},
    "spec": {"acme": {"server": "https://ca.example/dir", "privateKeySecretRef": {"name": "ca-key"}}},
}
barrier = threading.Barrier(4)
def first():
    barrier.wait()
    read_issuer(body, ApiNames())

threads = [threading.Thread(target=first) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


def run(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr or f"ended with {done.returncode}"
    return done.stdout


def test_no_class_is_left_to_be_understood_at_its_first_use() -> None:
    shapes, *late = run(LATE).split()
    assert int(shapes) > 20
    assert late == []


def test_four_threads_may_be_the_first_to_read_an_issuer() -> None:
    for _ in range(5):
        run(AT_ONCE)
