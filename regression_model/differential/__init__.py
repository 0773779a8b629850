"""Two models on the same houses: what moved, by how much, and which fields moved it."""
