from cext._native import answer
from cext._fast import twice
def main(): print("answer", answer(), twice(21))
