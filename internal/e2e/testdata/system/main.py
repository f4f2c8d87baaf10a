import ctypes.util
print(ctypes.util.find_library("pq"))
import psycopg
print(psycopg.pq.__impl__, psycopg.pq.version())
import lightgbm
print(lightgbm.__version__)
