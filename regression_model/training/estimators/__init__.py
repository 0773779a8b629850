"""The estimators of this package."""
