import markupsafe._speedups
import psycopg2
import yaml

print(markupsafe.escape("<a>"), psycopg2.__version__.split()[0], psycopg2.__libpq_version__ > 170000, yaml.__with_libyaml__)
