"""The proof: one folder per room of the operator, the bench (kit), and the tests that use a whole cluster."""
