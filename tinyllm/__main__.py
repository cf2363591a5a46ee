"""`python -m tinyllm`: the same as the command `tinyllm`, for torchrun and where PATH lacks it."""

from tinyllm.cli import main

if __name__ == "__main__":
    main()
