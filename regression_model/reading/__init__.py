"""Houses as people send them, checked row by row and encoded as a numeric matrix."""
