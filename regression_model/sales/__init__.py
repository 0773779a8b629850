"""Sales to train on: a table that was checked, and the generator of synthetic ones."""
