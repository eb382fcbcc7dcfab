"""python -m treaty_cli: the same as `treaty`."""

from treaty_cli.main import main

if __name__ == "__main__":
    main()
