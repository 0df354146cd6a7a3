"""The least-privilege policy grants every call that the adapter makes, and nothing else."""

from __future__ import annotations

import json
import re
from pathlib import Path

import automl_bridge_sagemaker

FOLDER = Path(automl_bridge_sagemaker.__file__).parent
# HeadBucket and ListObjectsV2 are granted by s3:ListBucket, DeleteObjects by s3:DeleteObject (S3's action table).
S3_ACTIONS = {
    "head_bucket": "ListBucket",
    "list_objects_v2": "ListBucket",
    "get_bucket_location": "GetBucketLocation",
    "put_object": "PutObject",
    "get_object": "GetObject",
    "delete_objects": "DeleteObject",
}
# Creating with tags asks for AddTags, with a role for PassRole; nobody calls these by name.
IMPLIED = {"sagemaker:AddTags", "iam:PassRole"}
SERVICES = {"sts": "sts", "iam": "iam", "quotas": "servicequotas", "pricing": "pricing"}


def granted() -> set[str]:
    policy = json.loads((FOLDER / "iam-policy.json").read_text("utf-8"))
    actions = [statement["Action"] for statement in policy["Statement"]]
    return {one for listed in actions for one in ([listed] if isinstance(listed, str) else listed)}


def api(service: str) -> dict[str, str]:
    """Return the API's names of the methods of boto3's client, by botocore's own table."""
    import boto3

    return boto3.client(service, region_name="us-east-1").meta.method_to_api_mapping


def called() -> set[str]:
    source = "\n".join(path.read_text("utf-8") for path in FOLDER.glob("*.py") if path.name != "live.py")
    found = {S3_ACTIONS[call] for call in re.findall(r"_s3\.(\w+)\(", source)}
    actions = {f"s3:{action}" for action in found}
    verbs = re.compile(r"['\"]((?:list|describe|stop|delete)_(?!under)\w+)['\"]")
    direct = re.findall(r"\.sagemaker\.(\w+)(?<!get_paginator)\b", source)
    known = api("sagemaker")
    actions |= {f"sagemaker:{known[call]}" for call in [*direct, *verbs.findall(source)] if call in known}
    for attribute, service in SERVICES.items():
        for call in re.findall(rf"clients\.{attribute}\.(\w+)\(['\"]?(\w*)", source):
            name = call[1] if call[0] == "get_paginator" else call[0]
            actions.add(f"{service}:{api({'quotas': 'service-quotas'}.get(attribute, attribute))[name]}")
    return actions


def test_what_is_called_is_granted_and_nothing_more():
    assert called() | IMPLIED == granted()


def test_no_action_is_a_wildcard_and_roles_go_to_sagemaker_only():
    policy = json.loads((FOLDER / "iam-policy.json").read_text("utf-8"))
    assert not any("*" in action for action in granted())
    by_name = {statement["Sid"]: statement for statement in policy["Statement"]}
    passing = by_name["HandTheRoleToSageMakerOnly"]
    assert passing["Condition"]["StringEquals"]["iam:PassedToService"] == "sagemaker.amazonaws.com"
    open_ended = [name for name, statement in by_name.items() if statement["Resource"] == "*"]
    assert open_ended == ["ListWhatHasNoResource"]
