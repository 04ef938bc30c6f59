"""The room of resources: our kinds as values, and the table that they share with the CRDs."""
