"""Carrying a plan out: workers, admission, progress, and what is kept of a run."""
