"""The Helm chart: linted and rendered by helm, applied to a real API server."""
