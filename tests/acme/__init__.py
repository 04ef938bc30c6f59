"""The ACME room: conversations, refusals, and a real CA."""
