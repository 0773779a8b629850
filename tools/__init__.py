"""What releases are made with; the package knows nothing of it."""
