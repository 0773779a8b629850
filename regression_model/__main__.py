"""``python -m regression_model``: the same as the console script."""

from regression_model.cli import main

if __name__ == "__main__":
    main()
