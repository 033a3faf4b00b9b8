"""Holding two tables side by side, and a rubric against what rubrics should be."""
