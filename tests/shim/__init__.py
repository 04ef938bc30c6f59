"""The room of what asks for certificates by annotations."""
