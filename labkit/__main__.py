"""``python -m labkit``: the command line without its script."""

from labkit.cli import main

if __name__ == "__main__":
    main()
