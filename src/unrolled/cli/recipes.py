"""``unrolled recipes``"""

from __future__ import annotations

import typer

app = typer.Typer(
    rich_markup_mode="markdown", add_completion=False, pretty_exceptions_enable=False, invoke_without_command=True
)


@app.callback()
def recipes(ctx: typer.Context) -> None:
    """List the recipes; `unrolled recipes show NAME` prints one to copy and edit."""
    if ctx.invoked_subcommand is not None:
        return
    from unrolled.cli.console import print_table
    from unrolled.config import named_recipes

    rows = [[recipe.name, ", ".join(recipe.aliases), recipe.description] for recipe in named_recipes().values()]
    print_table(["recipe", "alias", "what it does"], rows, left=3)


@app.command()
def show(name: str = typer.Argument(help="A recipe's name or alias.")) -> None:
    """Print a recipe as TOML, each field with its description."""
    from unrolled.config import find_recipe, named_recipes
    from unrolled.errors import UnknownNameError

    recipe = find_recipe(name)
    if recipe is None:
        raise UnknownNameError("recipe", name, named_recipes(), "`unrolled recipes` lists them.")
    typer.echo(recipe.to_toml(), nl=False)
