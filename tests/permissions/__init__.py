"""What the programs may do against what they did: read from the audit logs that a whole run left behind."""
