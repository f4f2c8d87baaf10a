# Each of the functions has one object of the frozenset, or they share it: that depends on who was first to intern
# the texts. (CPython 3.11 to 3.13, intern_constants in codeobject.c.) The second set also has another order.
def f(x):
    return x in {"zork_q", "blarg_q", "e f"}


def g(x):
    return x in {"zork_q", "blarg_q", "e f"} or 77777


def h(x):
    return x in {"é", "a b", "c d"}
