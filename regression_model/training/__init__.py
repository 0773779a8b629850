"""The offline half: from a table of sales to an artifact. Needs the extra ``[train]``."""
