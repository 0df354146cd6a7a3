"""moto's own objects, used from inside: S3, IAM and SageMaker of the sandbox's account."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from moto.backends import get_backend
from moto.core.models import DEFAULT_ACCOUNT_ID

from automl_bridge_sagemaker.sandbox.protocol import AwsError, invalid

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ACCOUNT", "Store", "split_uri"]

ACCOUNT = DEFAULT_ACCOUNT_ID


def split_uri(uri: str) -> tuple[str, str]:
    """Return bucket and key (or prefix) of an ``s3://`` address."""
    if not uri.startswith("s3://"):
        raise invalid(f"The S3 URI {uri} is not valid")
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


class Store:
    """What is kept in moto, read and written without going through the socket."""

    @property
    def s3(self) -> Any:
        """Moto's S3 of the account."""
        return get_backend("s3")[ACCOUNT]["aws"]

    @property
    def iam(self) -> Any:
        """Moto's IAM of the account."""
        return get_backend("iam")[ACCOUNT]["aws"]

    def sagemaker(self, region: str) -> Any:
        """Moto's SageMaker of a region."""
        return get_backend("sagemaker")[ACCOUNT][region]

    def region_of(self, bucket: str) -> str | None:
        """Return the region of a bucket, or None if there is no such bucket."""
        found = self.s3.buckets.get(bucket)
        return None if found is None else str(found.region_name)

    def create_bucket(self, name: str, region: str) -> None:
        """Create a bucket unless it exists."""
        if name not in self.s3.buckets:
            self.s3.create_bucket(name, region)

    def create_role(self, name: str) -> str:
        """Create a role that SageMaker may assume, unless it exists; returns its ARN."""
        trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
        for role in self.iam.roles.values():
            if role.name == name:
                return str(role.arn)
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        return str(self.iam.create_role(name, document, "/", None, "", [], "3600").arn)

    def check_role(self, arn: str) -> None:
        """Raise what SageMaker answers for a role that is not there or does not trust it."""
        for role in self.iam.roles.values():
            if role.arn == arn and "sagemaker.amazonaws.com" in str(role.assume_role_policy_document):
                return
        raise invalid(
            f"Could not assume role {arn}. Please ensure that the role exists and allows principal "
            "'sagemaker.amazonaws.com' to assume the role."
        )

    def list(self, bucket: str, prefix: str) -> Iterator[tuple[str, int, str]]:
        """Yield key, size and tag of the content of each object under a prefix, sorted by key."""
        found = self.s3.buckets.get(bucket)
        if found is None:
            return
        for key in sorted(name for name in found.keys if name.startswith(prefix)):
            item = found.keys[key]
            yield key, int(item.size), str(item.etag)

    def exists(self, uri: str) -> bool:
        """Whether there is an object at ``uri``."""
        bucket, key = split_uri(uri)
        found = self.s3.buckets.get(bucket)
        return found is not None and key in found.keys

    def read(self, uri: str) -> bytes:
        """Return the content of an object."""
        bucket, key = split_uri(uri)
        item = self.s3.get_object(bucket, key)
        if item is None:
            raise AwsError("NoSuchKey", f"no object at {uri}", 404)
        return bytes(item.value)

    def write(self, uri: str, content: bytes) -> None:
        """Write an object."""
        bucket, key = split_uri(uri)
        self.s3.put_object(bucket, key, content)

    def check_region(self, uri: str, region: str, role: str, *, listed: bool) -> None:
        """Raise what SageMaker answers for a place it cannot use from ``region``; ``listed``: it must hold objects."""
        bucket, prefix = split_uri(uri)
        home = self.region_of(bucket)
        if home == region and (not listed or next(self.list(bucket, prefix), None) is not None):
            return
        reason = ""
        if home is not None and home != region:
            reason = (
                f" Error message from S3: The bucket is in this region: {home}. Please use this region to retry the "
                "request"
            )
        if not listed:
            raise invalid(f'The bucket of the S3 output path "{uri}" is not in the selected region ({region}).{reason}')
        raise invalid(
            f'No S3 objects found under S3 URL "{uri}" given in input data source. Please ensure that the bucket '
            f"exists in the selected region ({region}), that objects exist under that S3 prefix, and that the role "
            f'"{role}" has "s3:ListBucket" permissions on bucket "{bucket}".{reason}'
        )
