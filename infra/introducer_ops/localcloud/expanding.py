"""From the SAM template to CloudFormation: as AWS gets it, and as the emulator can run it."""

from __future__ import annotations

import contextlib
import copy
import hashlib
import io
import json
import logging
import os
import shlex
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

# It warns that nobody collects its metrics of itself.
logging.getLogger("samtranslator.metrics").setLevel(logging.ERROR)

Template = dict[str, Any]

CODE_BUCKET = "introducer-code"
_FUNCTION, _LAYER = "AWS::Serverless::Function", "AWS::Serverless::LayerVersion"
_WORKER = Path(__file__).parent / "worker.py"


class TemplateError(ValueError):
    """The template, or a folder that it names, is not right. The text says which resource."""


class _NoManagedPolicies:
    """SAM asks IAM for AWS's managed policies when a template names one in short form; ours names none."""

    def load(self) -> dict[str, str]:
        return {}


@dataclass(frozen=True)
class Source:
    """Where a function's code is on this machine."""

    handler: str
    folder: Path
    layers: tuple[Path, ...]

    @property
    def folders(self) -> list[str]:
        return [str(path) for path in (self.folder, *self.layers)]


def read(path: Path) -> Template:
    """The template as written; the definitions that it keeps in files of their own put in."""
    try:
        template: Template = yaml_parse(path.read_text())
    except Exception as error:
        raise TemplateError(f"{path.name}: {error}") from error
    for name, resource in template.get("Resources", {}).items():
        properties = resource.get("Properties", {})
        if isinstance(uri := properties.get("DefinitionUri"), str):
            file = path.parent / uri
            if not file.exists():
                raise TemplateError(f"{name}: DefinitionUri {uri} does not exist")
            properties["Definition"] = json.loads(file.read_text())
            del properties["DefinitionUri"]
    return template


def sources(template: Template, root: Path) -> dict[str, Source]:
    """The code of each function. TemplateError names every folder that is not there."""
    shared = template.get("Globals", {}).get("Function", {})
    resources = template["Resources"]
    found, missing = {}, []
    for name, resource in resources.items():
        if resource["Type"] != _FUNCTION:
            continue
        properties = resource["Properties"]
        handler = properties.get("Handler", shared.get("Handler"))
        folder = root / properties["CodeUri"]
        if not (folder / f"{handler.split('.')[0]}.py").exists():
            missing.append(f"{name}: {properties['CodeUri']}{handler.split('.')[0]}.py does not exist")
        layers = [*shared.get("Layers", []), *properties.get("Layers", [])]
        # A layer that is given by a parameter is an operator's own, and holds no sources of ours.
        ours = [resources[layer["Ref"]] for layer in layers if "Ref" in layer]
        paths = [root / layer["Properties"]["ContentUri"] / "python" for layer in ours]
        # A layer of third-party packages has no sources here: they are in the project's environment.
        found[name] = Source(handler, folder.resolve(), tuple(path.resolve() for path in paths if path.exists()))
    if missing:
        raise TemplateError("\n".join(missing))
    return found


def translate(template: Template, parameters: dict[str, str], region: str) -> Template:
    """The CloudFormation that AWS would run. TemplateError carries what SAM objects to."""
    template = copy.deepcopy(template)
    for name, resource in template["Resources"].items():
        for key in ("CodeUri", "ContentUri"):
            if key in resource.get("Properties", {}):
                resource["Properties"][key] = f"s3://{CODE_BUCKET}/{name}"
    defaults = {
        name: str(given["Default"]) for name, given in template.get("Parameters", {}).items() if "Default" in given
    }
    try:
        with _region(region):
            translated: Template = transform(template, defaults | parameters, _NoManagedPolicies())
    except Exception as error:
        causes = getattr(error, "causes", None) or [error]
        raise TemplateError("\n".join(str(getattr(cause, "message", cause)) for cause in causes)) from error
    return translated


@contextlib.contextmanager
def _region(region: str) -> Iterator[None]:
    """SAM asks boto3 which region, and so which partition, it is in; boto3 asks the environment."""
    before = os.environ.get("AWS_DEFAULT_REGION")
    os.environ["AWS_DEFAULT_REGION"] = region
    try:
        yield
    finally:
        del os.environ["AWS_DEFAULT_REGION"]
        if before is not None:
            os.environ["AWS_DEFAULT_REGION"] = before


def package(source: Source, python: str) -> bytes:
    """A deployment package that runs the sources where they are.

    AWS's interface client runs the handler, as it does in AWS's own runtime: so an exception keeps its type.
    The function is `provided` for the emulator, whose python runtimes report every error as
    `Runtime.HandlerError`.
    """
    paths = ":".join(str(path) for path in source.layers)
    script = "\n".join(
        (
            "#!/bin/sh",
            f"cd {shlex.quote(str(source.folder))} || exit 1",
            'export LAMBDA_TASK_ROOT="$PWD" PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=',
            f"export PYTHONPATH={shlex.quote(paths)}",
            f'exec {shlex.quote(python)} -P {shlex.quote(str(_WORKER))} "$_HANDLER"',
            "",
        )
    )
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        entry = zipfile.ZipInfo("bootstrap")  # its fixed date keeps the digest of an unchanged package
        entry.external_attr = 0o755 << 16
        archive.writestr(entry, script)
    return packed.getvalue()


def localize(
    translated: Template, found: dict[str, Source], python: str, endpoint: str
) -> tuple[Template, dict[str, bytes]]:
    """The template as the emulator can run it, and the packages to put into the code bucket first."""
    template = copy.deepcopy(translated)
    resources = template["Resources"]
    packages: dict[str, bytes] = {}
    for name in [name for name, resource in resources.items() if resource["Type"] == "AWS::Lambda::LayerVersion"]:
        del resources[name]
    for name, source in found.items():
        content = package(source, python)
        key = f"{hashlib.sha256(content).hexdigest()}.zip"
        packages[key] = content
        properties = resources[name]["Properties"]
        properties.pop("Layers", None)
        # The package is a shell script: it runs on whatever this machine is.
        properties.pop("Architectures", None)
        properties |= {"Runtime": "provided.al2023", "Code": {"S3Bucket": CODE_BUCKET, "S3Key": key}}
        variables = properties.get("Environment", {}).get("Variables", {})
        if "JWKS_URL" in variables:
            # Tokens name AWS's address as their issuer, but the keys are here.
            variables["JWKS_URL"] = {"Fn::Sub": f"{endpoint}/${{UserPool}}/.well-known/jwks.json"}
    for name in [name for name, resource in resources.items() if resource["Type"] == "AWS::ApiGatewayV2::Api"]:
        _routes_from_body(resources, name)
    return template, packages


def _routes_from_body(resources: Template, api: str) -> None:
    """AWS makes an API's routes from its OpenAPI body; the emulator wants them as resources."""
    properties = resources[api]["Properties"]
    body = properties.pop("Body", {})
    # The name stood in the body too.
    properties |= {"ProtocolType": "HTTP", "Name": api}
    for path, methods in body.get("paths", {}).items():
        for method, operation in methods.items():
            whole = path.strip("/") == "$default"
            key = "$default" if whole else f"{'ANY' if 'any' in method else method.upper()} {path}"
            integration = operation["x-amazon-apigateway-integration"]
            name = api + hashlib.sha256(key.encode()).hexdigest()[:10]
            resources[f"{name}Integration"] = {
                "Type": "AWS::ApiGatewayV2::Integration",
                "Properties": {
                    "ApiId": {"Ref": api},
                    "IntegrationType": "AWS_PROXY",
                    "IntegrationUri": integration["uri"],
                    "PayloadFormatVersion": integration["payloadFormatVersion"],
                },
            }
            resources[f"{name}Route"] = {
                "Type": "AWS::ApiGatewayV2::Route",
                "Properties": {
                    "ApiId": {"Ref": api},
                    "RouteKey": key,
                    "Target": {"Fn::Sub": f"integrations/${{{name}Integration}}"},
                },
            }
