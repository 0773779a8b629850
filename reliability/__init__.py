"""Faults made on purpose, and what the service does about them: figures, not claims."""
