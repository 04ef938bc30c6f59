"""What needs a real node: see tests/kit/node.py."""
