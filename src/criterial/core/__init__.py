"""The nouns and ports: frozen, without I/O, and the only types that rooms exchange."""
