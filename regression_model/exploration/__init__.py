"""The table before the model: what is in it, what is odd, and how two tables differ."""
