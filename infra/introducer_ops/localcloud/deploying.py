"""Create or update the stack in the emulator, and say clearly what is wrong when that fails."""

from __future__ import annotations

import contextlib
import hashlib
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from introducer_ops import fonts

from . import expanding
from .stack import REGION, Function, Stack

if TYPE_CHECKING:
    from .process import LocalCloud

STACK = "introducer"
SENDER = "partners@introducer.example"
"""Where the local cloud's mails come from. They go to a folder: see `Stack.mails`."""
_SECONDS_TO_DEPLOY = 120


class DeployError(RuntimeError):
    """The stack was not deployed. The text names the resource and the reason."""


def deploy(cloud: LocalCloud, template: Path, parameters: dict[str, str], check: bool) -> Stack:
    """See LocalCloud.deploy."""
    stack = Stack(cloud.endpoint, cloud.portal_url, {}, {}, cloud.state_dir)
    parameters = {
        "Stage": "local",
        # The emulator shares this machine with everything else: AWS's deadline would lose
        # clicks that AWS keeps.
        "ClickDeadlineMs": "4000",
        "ClockFile": str(stack.clock.path),
        "ReachesLoopback": "yes",
        "FontsFolder": str(fonts.folder()),
        "MailFrom": SENDER,
        **parameters,
    }
    if not stack.clock.path.exists():
        stack.clock.set(0)
    try:
        written = expanding.read(template)
        found = expanding.sources(written, template.parent)
        translated = expanding.translate(written, parameters, REGION)
    except expanding.TemplateError as error:
        raise DeployError(str(error)) from error
    if check:
        from . import checking

        if problems := checking.problems(translated, cloud.state_dir):
            raise DeployError("\n".join(problems))
    local, packages = expanding.localize(translated, found, sys.executable, cloud.endpoint)
    _verify(stack, parameters["MailFrom"])
    _upload(stack, packages)
    _apply(
        stack,
        local,
        {name: value for name, value in parameters.items() if name in written.get("Parameters", {})},
    )

    described = stack.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]
    stack.outputs = {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}
    resources = _resources(stack)
    stack.functions = {name: Function(resources[name], source.folders) for name, source in found.items()}
    _finish_tables(stack, translated, resources)
    _finish_buckets(stack, translated, resources, parameters)
    return stack


def _verify(stack: Stack, sender: str) -> None:
    """Operators verify their sender by DNS; here saying so is enough."""
    ses = stack.client("sesv2")
    with contextlib.suppress(ses.exceptions.AlreadyExistsException):
        if sender:
            ses.create_email_identity(EmailIdentity=sender)


def _upload(stack: Stack, packages: dict[str, bytes]) -> None:
    s3 = stack.client("s3")
    with contextlib.suppress(s3.exceptions.BucketAlreadyOwnedByYou):
        s3.create_bucket(Bucket=expanding.CODE_BUCKET)
    for key, content in packages.items():
        s3.put_object(Bucket=expanding.CODE_BUCKET, Key=key, Body=content)


def _apply(stack: Stack, template: expanding.Template, parameters: dict[str, str]) -> None:
    cloudformation = stack.client("cloudformation")
    body = json.dumps(template)
    # By URL, because it is over the 51,200 bytes that a request may carry.
    key = f"{hashlib.sha256(body.encode()).hexdigest()}.json"
    stack.client("s3").put_object(Bucket=expanding.CODE_BUCKET, Key=key, Body=body.encode())
    request: dict[str, Any] = {
        "StackName": STACK,
        "TemplateURL": f"{stack.endpoint}/{expanding.CODE_BUCKET}/{key}",
        "Parameters": [{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
        "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
    }
    try:
        if _exists(cloudformation):
            cloudformation.update_stack(**request)
        else:
            cloudformation.create_stack(**request)
    except ClientError as error:
        if "No updates are to be performed" in str(error):
            return
        raise DeployError(error.response["Error"]["Message"]) from error
    deadline = time.monotonic() + _SECONDS_TO_DEPLOY
    while True:
        found = cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]
        status = found["StackStatus"]
        if status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            return
        if "FAILED" in status or "ROLLBACK_COMPLETE" in status:
            raise DeployError(
                "\n".join([f"{status}: {found.get('StackStatusReason', '')}", *_failures(cloudformation)])
            )
        if time.monotonic() > deadline:
            raise DeployError(f"the stack is still {status} after {_SECONDS_TO_DEPLOY} s")
        time.sleep(0.05)


def _exists(cloudformation: Any) -> bool:
    try:
        found = cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]
    except ClientError:
        return False
    if found["StackStatus"] in ("ROLLBACK_COMPLETE", "CREATE_FAILED", "DELETE_COMPLETE"):
        # As on AWS, a stack that never came to be can only be deleted.
        cloudformation.delete_stack(StackName=STACK)
        return False
    return True


def _failures(cloudformation: Any) -> list[str]:
    events = cloudformation.describe_stack_events(StackName=STACK)["StackEvents"]
    return [
        f"  {event['LogicalResourceId']} ({event['ResourceType']}): {event.get('ResourceStatusReason', '')}"
        for event in events
        if event["ResourceStatus"].endswith("_FAILED") and event["LogicalResourceId"] != STACK
    ]


def _resources(stack: Stack) -> dict[str, str]:
    pages = stack.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=STACK)
    return {
        found["LogicalResourceId"]: found["PhysicalResourceId"]
        for page in pages
        for found in page["StackResourceSummaries"]
        if "PhysicalResourceId" in found
    }


def _finish_tables(stack: Stack, template: expanding.Template, resources: dict[str, str]) -> None:
    """The emulator drops a table's TTL and recovery settings from the template, but takes them by API."""
    dynamodb = stack.client("dynamodb")
    for name, resource in template["Resources"].items():
        if resource["Type"] != "AWS::DynamoDB::Table":
            continue
        table, properties = resources[name], resource["Properties"]
        if wanted := properties.get("TimeToLiveSpecification"):
            now = dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
            if now["TimeToLiveStatus"] != "ENABLED":
                dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification=wanted)
        if wanted := properties.get("PointInTimeRecoverySpecification"):
            dynamodb.update_continuous_backups(TableName=table, PointInTimeRecoverySpecification=wanted)


def _finish_buckets(
    stack: Stack, template: expanding.Template, resources: dict[str, str], parameters: dict[str, str]
) -> None:
    """As with tables: a bucket's encryption and lock are dropped from the template, and taken by API."""
    s3, keys = stack.client("s3"), stack.client("kms")
    for name, resource in template["Resources"].items():
        if resource["Type"] != "AWS::S3::Bucket":
            continue
        for rule in resource["Properties"]["BucketEncryption"]["ServerSideEncryptionConfiguration"]:
            given = rule["ServerSideEncryptionByDefault"]
            key, _ = given["KMSMasterKeyID"]["Fn::GetAtt"]
            arn = keys.describe_key(KeyId=resources[key])["KeyMetadata"]["Arn"]
            applied = {"SSEAlgorithm": given["SSEAlgorithm"], "KMSMasterKeyID": arn}
            s3.put_bucket_encryption(
                Bucket=resources[name],
                ServerSideEncryptionConfiguration={
                    "Rules": [{"ApplyServerSideEncryptionByDefault": applied, "BucketKeyEnabled": True}]
                },
            )
        if lock := resource["Properties"].get("ObjectLockConfiguration"):
            given = {
                name: parameters.get(ref["Ref"], template["Parameters"][ref["Ref"]].get("Default"))
                for name, ref in lock["Rule"]["DefaultRetention"].items()
            }
            # What one may lock keeps versions, on AWS by itself.
            s3.put_bucket_versioning(Bucket=resources[name], VersioningConfiguration={"Status": "Enabled"})
            s3.put_object_lock_configuration(
                Bucket=resources[name],
                ObjectLockConfiguration={
                    "ObjectLockEnabled": "Enabled",
                    "Rule": {"DefaultRetention": {"Mode": given["Mode"], "Days": int(given["Days"])}},
                },
            )
