"""Makers of the ports: remote endpoints, the embedded model, and the scripted double."""
