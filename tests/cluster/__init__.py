"""The whole, by real processes: operator, kube-apiserver, etcd, Pebble, and a DNS server."""
