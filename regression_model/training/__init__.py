"""The offline half: from a table of sales to an artifact. Needs ``regression-model[train]``."""
