"""DNS: where TXT records are put, and where they can be seen.

It knows zones, name servers, dynamic updates and how to look things up; it must not know ACME, Certificates
or the cluster, and it never waits for propagation: it says what is so now. Only this room imports dnspython
(whose package is also called `dns`; absolute imports mean that one). Whatever a name server says is hostile.
Read `provider.py` first, then `visibility.py`.
"""
