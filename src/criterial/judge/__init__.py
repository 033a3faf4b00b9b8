"""Filling cells: from a task, a response and criteria to verdicts."""
