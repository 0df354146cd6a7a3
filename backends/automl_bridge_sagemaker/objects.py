"""Objects in the bucket: written once, encrypted, read, listed, deleted."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from automl_bridge.cloud.objects import Stored
from automl_bridge.errors import ConfigError
from automl_bridge_sagemaker.errors import is_code, translate, translated
from automl_bridge_sagemaker.limits import limit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from automl_bridge.cloud.layout import Location
    from automl_bridge_sagemaker.clients import Clients
    from automl_bridge_sagemaker.settings import SageMakerSettings

__all__ = ["Objects"]


class Objects:
    """The objects of the bucket that the settings name."""

    def __init__(self, clients: Clients, settings: SageMakerSettings) -> None:
        self._clients = clients
        self.settings = settings
        self._region_checked = False

    @property
    def _s3(self) -> Any:
        return self._clients.s3

    def region_of(self, bucket: str) -> str | None:
        """Return the region of a bucket; None if there is no such bucket."""
        from botocore.exceptions import ClientError

        with translated(f"looking for the bucket {bucket}"):
            try:
                answer = self._s3.head_bucket(Bucket=bucket)
            except ClientError as error:
                # A bucket of another region answers with a redirect or a refusal that names the region.
                region = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("x-amz-bucket-region")
                if region:
                    return str(region)
                if is_code(error, "404", "NoSuchBucket", "NotFound"):
                    return None
                if is_code(error, "400"):
                    # A HEAD has no words: a GET says what is wrong, an expired token for one.
                    return self._location(bucket)
                raise
        named = answer.get("BucketRegion") or answer["ResponseMetadata"]["HTTPHeaders"].get("x-amz-bucket-region")
        return str(named) if named else self._location(bucket)

    def _location(self, bucket: str) -> str:
        with translated(f"asking for the region of the bucket {bucket}"):
            found = self._s3.get_bucket_location(Bucket=bucket).get("LocationConstraint")
        # The API's own words for its two oldest regions.
        return {None: "us-east-1", "": "us-east-1", "EU": "eu-west-1"}.get(found, str(found))

    def check_region(self) -> None:
        """Raise `ConfigError` unless the bucket is there and in the region of the jobs; asked once."""
        if self._region_checked:
            return
        bucket, wanted = self.settings.bucket or "", self.settings.region
        region = self.region_of(bucket)
        if region is None:
            raise ConfigError(f"there is no bucket {bucket}", hint=f"make it in {wanted}, or set another bucket")
        if region != wanted:
            raise ConfigError(
                f"the bucket {bucket} is in {region}, the jobs would run in {wanted}: SageMaker needs one region",
                hint=f"set region to {region}, or a bucket that is in {wanted}",
                limit="sagemaker.all.bucket_region",
                source=limit("sagemaker.all.bucket_region").source,
            )
        self._region_checked = True

    def create(self, place: Location, name: str, body: bytes, content_type: str) -> bool:
        """Write an object unless it is there; returns whether it was written."""
        from botocore.exceptions import ClientError

        encryption: dict[str, str] = {"ServerSideEncryption": "AES256"}
        if self.settings.kms_key:
            encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": self.settings.kms_key}
        key = place.file(name)
        with translated(f"writing s3://{place.bucket}/{key}"):
            try:
                self._s3.put_object(
                    Bucket=place.bucket, Key=key, Body=body, ContentType=content_type, IfNoneMatch="*", **encryption
                )
            except ClientError as error:
                if is_code(error, "PreconditionFailed", "412"):
                    return False
                raise
        return True

    def read(self, place: Location, name: str = "") -> bytes | None:
        """Return an object's bytes; None if it is not there."""
        from botocore.exceptions import ClientError

        key = place.file(name)
        with translated(f"reading s3://{place.bucket}/{key}"):
            try:
                body = self._s3.get_object(Bucket=place.bucket, Key=key)["Body"]
                return bytes(body.read())
            except ClientError as error:
                if is_code(error, "NoSuchKey", "404"):
                    return None
                raise

    def read_json(self, place: Location, name: str) -> dict[str, Any] | None:
        """Return an object that holds a JSON document; None if it is not there."""
        found = self.read(place, name)
        return None if found is None else json.loads(found)

    def stream(self, place: Location) -> Any:
        """Return an object's body to read from; the key is the place's own."""
        with translated(f"reading s3://{place.bucket}/{place.key}"):
            return self._s3.get_object(Bucket=place.bucket, Key=place.key)["Body"]

    def listed(self, place: Location) -> Iterator[Stored]:
        """List what is under a folder, in the order of the keys."""
        token: dict[str, str] = {}
        while True:
            with translated(f"listing {place.uri}"):
                page = self._s3.list_objects_v2(Bucket=place.bucket, Prefix=place.key, **token)
            for one in page.get("Contents", ()):
                yield Stored(one["Key"], one["Size"], one["LastModified"])
            if not page.get("IsTruncated"):
                return
            token = {"ContinuationToken": page["NextContinuationToken"]}

    def delete_under(self, place: Location) -> None:
        """Delete everything under a folder; what is gone already is no error."""
        if place.key.count("/") < 2:
            raise ConfigError(f"{place.uri} is no folder of one job or one dataset")
        batch: list[dict[str, str]] = []
        for stored in self.listed(place):
            batch.append({"Key": stored.key})
            if len(batch) == 1000:
                self._delete(place.bucket, batch)
                batch = []
        if batch:
            self._delete(place.bucket, batch)

    def _delete(self, bucket: str, keys: list[dict[str, str]]) -> None:
        with translated(f"deleting objects of {bucket}"):
            answer = self._s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
        for error in answer.get("Errors", ()):
            from botocore.exceptions import ClientError

            shaped = {"Error": {"Code": error.get("Code", ""), "Message": error.get("Message", "")}}
            raise translate(ClientError(shaped, "DeleteObjects"), f"deleting {error.get('Key')}")
