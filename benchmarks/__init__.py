"""Where the README's figures come from: ``python -m benchmarks --help``, or ``tox -e bench``."""
