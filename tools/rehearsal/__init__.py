"""A whole release on one machine: an index, a platform and clients."""
