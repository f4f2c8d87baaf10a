"""The command line of hello-world."""

import time

import click


@click.command()
@click.option("--name", default="world", show_default=True, help="Whom to greet.")
@click.option("--sleep", default=0.0, help="Seconds to stay awake after the greeting.")
def hello(name: str, sleep: float) -> None:
    """Greet NAME."""
    click.echo(click.style(f"Hello, {name}!", fg="green"))
    if sleep:
        time.sleep(sleep)
