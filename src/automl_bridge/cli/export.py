"""``automl-bridge export``: a model as a folder that opens on another machine."""

from __future__ import annotations

from typing import Annotated

import typer

from automl_bridge.cli.options import RunId, command, examples
from automl_bridge.cli.output import current

__all__ = ["EXAMPLES", "export"]

EXAMPLES = examples(
    "automl-bridge export 2f9c31d0 ./my-model",
    "automl-bridge predict ./my-model NEW.csv -o out.csv",
    "automl-bridge export 2f9c31d0 ./network --format keras",
)


@command
def export(
    *,
    run: RunId,
    path: Annotated[str, typer.Argument(metavar="PATH", help="The folder to make.")],
    form: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="bundle|keras|savedmodel|onnx",
            help="A bundle predicts from raw rows; the others are the network alone, checked to answer alike.",
        ),
    ] = "bundle",
) -> None:
    """Write the model of RUN into the folder PATH: JSON and library formats, nothing that runs code on loading."""
    import shlex
    from pathlib import Path

    from automl_bridge.cli.work import open_session

    output = current()
    with open_session() as session:
        record = session.get(run)
        written = session.export(record.id, Path(path), form=form)
    output.line(f"  saved      {written}")
    if form == "bundle":
        output.line(f"  predict    automl-bridge predict {shlex.quote(str(written))} NEW.csv -o out.csv")
    else:
        output.line(f"  see        {written / 'network.json'}: its inputs, outputs and classes")
    if output.json_mode:
        document = {"run_id": record.id, "state": str(record.state), "score": record.score}
        output.document({**document, "path": str(written), "format": form})
