"""Greets, politely and in colour."""

import click

GREETING = "Hello"


@click.command()
@click.option("--name", default="world", show_default=True, help="Whom to greet.")
def hello(name: str) -> None:
    """Greet NAME."""
    click.echo(click.style(f"{GREETING}, {name}!", fg="green"))


if __name__ == "__main__":
    hello()
