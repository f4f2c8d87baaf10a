# Compiling this file first changes the raw bytecode of witness.py: its names stay interned in the process.
zork_q = blarg_q = é = 1
