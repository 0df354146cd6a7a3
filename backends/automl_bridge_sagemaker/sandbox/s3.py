"""What an S3 request asks for, and the redirect for a bucket of another region."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote

if TYPE_CHECKING:
    from automl_bridge.sandbox.service import Environ

__all__ = ["action_of", "operation_of", "redirect"]

BUCKET_PARTS = {  # sub-resource of a bucket: the operations of GET and PUT
    "location": "BucketLocation",
    "encryption": "BucketEncryption",
    "versioning": "BucketVersioning",
    "tagging": "BucketTagging",
    "policy": "BucketPolicy",
    "acl": "BucketAcl",
    "lifecycle": "BucketLifecycleConfiguration",
    "publicAccessBlock": "PublicAccessBlock",
    "ownershipControls": "BucketOwnershipControls",
}
ACTIONS = {  # operation: IAM action, where they differ (Service Authorization Reference, "Actions for Amazon S3")
    "ListObjectsV2": "ListBucket",
    "ListObjects": "ListBucket",
    "HeadBucket": "ListBucket",
    "ListBuckets": "ListAllMyBuckets",
    "HeadObject": "GetObject",
    "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject",
    "CompleteMultipartUpload": "PutObject",
    "CopyObject": "PutObject",
    "DeleteObjects": "DeleteObject",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "ListParts": "ListMultipartUploadParts",
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "PutBucketEncryption": "PutEncryptionConfiguration",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
}


def operation_of(environ: Environ) -> tuple[str, str, str]:
    """Return operation, bucket and key of a request, path style or bucket in the host name."""
    method = environ.get("REQUEST_METHOD", "GET")
    query = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
    path = unquote(environ.get("PATH_INFO", "/")).lstrip("/")
    host = environ.get("HTTP_HOST", "").rpartition(":")[0]
    if host.endswith(".localhost"):
        bucket, key = host.removesuffix(".localhost"), path
    else:
        bucket, _, key = path.partition("/")
    if not bucket:
        return "ListBuckets", "", ""
    return (_on_object(method, query, environ) if key else _on_bucket(method, query)), bucket, key


def _on_object(method: str, query: dict[str, list[str]], environ: Environ) -> str:
    if "uploads" in query:
        return "CreateMultipartUpload"
    if "uploadId" in query:
        parts = {"PUT": "UploadPart", "POST": "CompleteMultipartUpload", "DELETE": "AbortMultipartUpload"}
        return parts.get(method, "ListParts")
    if "tagging" in query:
        return {"GET": "GetObjectTagging", "PUT": "PutObjectTagging"}.get(method, "DeleteObjectTagging")
    if method == "PUT" and "HTTP_X_AMZ_COPY_SOURCE" in environ:
        return "CopyObject"
    return {"GET": "GetObject", "HEAD": "HeadObject", "PUT": "PutObject", "DELETE": "DeleteObject"}.get(
        method, "PostObject"
    )


def _on_bucket(method: str, query: dict[str, list[str]]) -> str:
    for part, name in BUCKET_PARTS.items():
        if part in query:
            return {"GET": "Get", "PUT": "Put"}.get(method, "Delete") + name
    if "uploads" in query:
        return "ListMultipartUploads"
    if method == "POST" and "delete" in query:
        return "DeleteObjects"
    if method == "GET":
        return "ListObjectsV2" if query.get("list-type") == ["2"] else "ListObjects"
    return {"HEAD": "HeadBucket", "PUT": "CreateBucket", "DELETE": "DeleteBucket"}.get(method, "PostObject")


def action_of(operation: str) -> str:
    """Return the IAM action (without prefix) that an operation needs."""
    return ACTIONS.get(operation, operation)


def redirect(bucket: str, region: str) -> tuple[str, list[tuple[str, str]], bytes]:
    """Word the answer for a bucket of another region than the request was signed for."""
    body = (
        "<?xml version='1.0' encoding='UTF-8'?><Error><Code>PermanentRedirect</Code><Message>The bucket you are "
        "attempting to access must be addressed using the specified endpoint. Please send all future requests to "
        f"this endpoint.</Message><Endpoint>{bucket}.s3.{region}.amazonaws.com</Endpoint><Bucket>{bucket}</Bucket>"
        "</Error>"
    )
    headers = [("Content-Type", "application/xml"), ("x-amz-bucket-region", region)]
    return "301 Moved Permanently", headers, body.encode()
