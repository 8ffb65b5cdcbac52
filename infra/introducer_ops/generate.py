"""`introducer generate`: writes every generated file again. Tests fail while one of them is not fresh."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    """Add `generate` to the command."""

    @app.command()
    def generate() -> None:
        """Write the generated files again: data model, deal schema, crawler words, routes, error codes, catalogues."""
        from introducer_ops import agents, catalogues, data_model, deal_schema, error_codes, route_index

        for path in (data_model.write(), deal_schema.write(), agents.write(), route_index.write(), error_codes.write()):
            typer.echo(f"wrote {path.relative_to(data_model.ROOT)}")
        raise typer.Exit(catalogues.main(["update"]))
