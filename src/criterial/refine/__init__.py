"""Rooms that make or mend: what is made better by what the verdicts on it say."""
