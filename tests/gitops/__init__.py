"""What Flux, Argo CD and kustomize make of our objects."""
