"""`python -m starter.cli`: the command `hold`, without its script."""

from starter.cli import main

if __name__ == "__main__":
    main()
