"""Showing a run: tables for terminals, Markdown and JSON for programs, one HTML page for everybody else."""
