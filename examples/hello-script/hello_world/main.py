import time

import click


@click.command()
@click.option("--name", default="world", help="Whom to greet.")
@click.option("--sleep", default=0.0, help="Seconds to stay awake after the greeting.")
def hello(name, sleep):
    """Greet NAME."""
    click.echo(f"Hello, {name}!")
    if sleep:
        time.sleep(sleep)


if __name__ == "__main__":
    hello()
