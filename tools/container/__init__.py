"""The container image: built, run, asked and weighed."""
