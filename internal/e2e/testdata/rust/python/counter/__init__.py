import sys

from ._counter import words


def main():
    print(words(" ".join(sys.argv[1:])), "words")
