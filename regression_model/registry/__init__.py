"""Versions of the model in a registry of MLflow; imported only where a registry is asked for.

A version is a run's model (see :mod:`regression_model.tracking`), and the alias ``champion`` alone
names the current version. Stages and other tags are derived from the aliases.
"""

# How MLflow behaves is set there, in the environment, before it is imported.
import regression_model.tracking  # noqa: F401
