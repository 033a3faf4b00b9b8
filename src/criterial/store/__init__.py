"""What is kept: answers as they arrive, runs and their tables, in SQLite or PostgreSQL."""
