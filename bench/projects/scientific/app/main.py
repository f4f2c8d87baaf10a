"""Says which versions it has."""

GREETING = "Hello"


def main() -> None:
    """Import all of it."""
    import numpy
    import pandas
    import pyarrow
    import scipy
    import sklearn

    print(GREETING, *(m.__version__ for m in (numpy, pandas, pyarrow, scipy, sklearn)))


if __name__ == "__main__":
    main()
