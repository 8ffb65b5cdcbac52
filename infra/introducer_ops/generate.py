"""`introducer generate`: writes every generated file again. Tests fail while one of them is not fresh."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    """Add `generate` to the command."""

    @app.command()
    def generate() -> None:
        """Write the generated files again: data model, crawler words, message catalogues."""
        from introducer_ops import agents, catalogues, data_model

        for path in (data_model.write(), agents.write()):
            typer.echo(f"wrote {path.relative_to(data_model.ROOT)}")
        raise typer.Exit(catalogues.main(["update"]))
