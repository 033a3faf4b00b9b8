"""Array functions that no room owns."""
