"""Staging to a bucket over a socket: encrypted, sent once, resumed, and never to another region."""

from __future__ import annotations

import io

import pyarrow.parquet as pq
import pytest
from sm_world import BUCKET, dataset, make_backend, predict_spec, train_spec

from automl_bridge.cloud import rows
from automl_bridge.cloud.layout import split_uri
from automl_bridge.data.build import build_predict_dataset
from automl_bridge.errors import ConfigError, RejectedError, TransientError


@pytest.fixture
def small_objects(monkeypatch):
    """Let a small table become several objects."""
    monkeypatch.setattr(rows, "OBJECT_BYTES", 4_000)


def keys(client):
    return [one["Key"] for one in client("s3").list_objects_v2(Bucket=BUCKET).get("Contents", ())]


def read_part(client, uri):
    place = split_uri(uri)
    s3 = client("s3")
    found = s3.list_objects_v2(Bucket=place.bucket, Prefix=place.key)["Contents"]
    bodies = [s3.get_object(Bucket=place.bucket, Key=one["Key"])["Body"].read() for one in found]
    return found, bodies


@pytest.mark.usefixtures("small_objects")
def test_the_second_time_nothing_is_sent(aws, backend, binary, tmp_path):
    plan = backend.plan(train_spec(binary))
    first = backend.stage(plan, binary)
    assert first.bytes_sent > 0
    assert set(first.uris) == {"train", "validation"}
    again = make_backend(tmp_path)
    assert again.stage(plan, binary).bytes_sent == 0
    # Another job on the same data, in another process, finds it too.
    other = again.plan(train_spec(binary, name="ab-ffffffffffff"))
    assert again.stage(other, binary).model_dump() == {"uris": first.uris, "bytes_sent": 0}


@pytest.mark.usefixtures("small_objects")
def test_all_rows_arrive_and_the_holdout_never_does(aws, backend, binary):
    staged = backend.stage(backend.plan(train_spec(binary)), binary)
    for part in ("train", "validation"):
        found, bodies = read_part(aws, staged.uris[part])
        assert len(found) > 1
        rows = [pq.read_table(io.BytesIO(body)) for body in bodies]
        assert sum(table.num_rows for table in rows) == binary.profile.rows[part]
        codes = [code for table in rows for code in table["target"].to_pylist()]
        assert codes == [f"c{code}" for code in binary.target_codes(part)]
    assert not any("holdout" in key for key in keys(aws))


def test_everything_is_encrypted(aws, tmp_path, binary):
    for kms, expected in ((None, "AES256"), ("1234abcd-12ab-34cd-56ef-1234567890ab", "aws:kms")):
        backend = make_backend(tmp_path, kms_key=kms, prefix=f"p-{expected.replace(':', '')}")
        backend.stage(backend.plan(train_spec(binary)), binary)
        for key in keys(aws):
            if key.startswith(backend.settings.prefix):
                head = aws("s3").head_object(Bucket=BUCKET, Key=key)
                assert head["ServerSideEncryption"] == expected
                assert kms is None or kms in head["SSEKMSKeyId"]


def test_csv_has_a_header_and_the_same_rows(aws, tmp_path, binary):
    backend = make_backend(tmp_path, data_format="csv")
    staged = backend.stage(backend.plan(train_spec(binary)), binary)
    _, bodies = read_part(aws, staged.uris["train"])
    header, *lines = bodies[0].decode().splitlines()
    assert "target" in header
    assert len(lines) == binary.profile.rows["train"]


@pytest.mark.usefixtures("small_objects")
def test_a_break_costs_only_what_was_under_way(aws, backend, binary, monkeypatch):
    """The first attempts die after a few objects; each goes on where the last one was."""
    from automl_bridge_sagemaker.objects import Objects

    plan, create = backend.plan(train_spec(binary)), Objects.create
    sent, left = [], [3]

    def create_or_break(self, place, name, body, kind):
        if name.startswith("part-"):
            if not left[0]:
                raise TransientError("connection reset")
            left[0] -= 1
        written = create(self, place, name, body, kind)
        sent.append((place.key + name, written))
        return written

    monkeypatch.setattr(Objects, "create", create_or_break)
    attempts = 0
    while True:
        try:
            backend.stage(plan, binary)
            break
        except TransientError:
            attempts += 1
            left[0] = 3
    written = [key for key, new in sent if new]
    assert attempts > 2
    assert len(written) == len(set(written))
    assert sorted(written) == sorted(keys(aws))


def test_a_bucket_of_another_region_is_named_with_both_before_anything_is_sent(aws, tmp_path, binary):
    aws("s3", "eu-west-1").create_bucket(
        Bucket="ab-elsewhere", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    backend = make_backend(tmp_path, bucket="ab-elsewhere")
    with pytest.raises(ConfigError) as caught:
        backend.stage(backend.plan(train_spec(binary)), binary)
    assert "ab-elsewhere is in eu-west-1, the jobs would run in us-east-1" in caught.value.message
    assert caught.value.limit == "sagemaker.all.bucket_region"
    assert not aws("s3").list_objects_v2(Bucket="ab-elsewhere").get("Contents")


def test_a_bucket_that_is_not_there_and_settings_that_are_missing(aws, tmp_path, binary):
    backend = make_backend(tmp_path, bucket="ab-none")
    with pytest.raises(ConfigError, match="there is no bucket ab-none"):
        backend.stage(backend.plan(train_spec(binary)), binary)
    unset = make_backend(tmp_path, bucket=None)
    with pytest.raises(ConfigError, match="needs bucket") as caught:
        unset.stage(unset.plan(train_spec(binary)), binary)
    assert "AUTOML_BRIDGE_SAGEMAKER__BUCKET" in caught.value.hint
    planned_without = unset.plan(train_spec(binary))
    with pytest.raises(ConfigError, match="planned for the bucket BUCKET-NOT-SET"):
        make_backend(tmp_path).stage(planned_without, binary)


def test_another_split_of_the_same_data_is_not_taken_for_this_one(aws, backend, binary):
    from dataclasses import replace

    plan = backend.plan(train_spec(binary))
    backend.stage(plan, binary)
    with pytest.raises(RejectedError, match="in another split"):
        backend.stage(plan, replace(binary, split_digest="other"))


def test_rows_to_predict_have_no_header_and_no_target(aws, backend, binary):
    spec = predict_spec(binary)
    new = build_predict_dataset(binary.parts["holdout"], binary.profile)
    staged = backend.stage(backend.plan(spec), new)
    _, bodies = read_part(aws, staged.uris["predict"])
    lines = b"".join(bodies).decode().splitlines()
    assert len(lines) == spec.profile.rows["predict"]
    assert not any(label in line for line in lines for label in ("target", "c0", "c1", "yes"))
    assert backend.stage(backend.plan(spec), new).bytes_sent == 0


def test_weights_travel_beside_the_target(aws, tmp_path):
    import numpy as np

    built = dataset(weight=np.arange(1200.0))[1]
    backend = make_backend(tmp_path)
    plan = backend.plan(train_spec(built))
    staged = backend.stage(plan, built)
    name = plan.request["AutoMLProblemTypeConfig"]["TabularJobConfig"]["SampleWeightAttributeName"]
    _, bodies = read_part(aws, staged.uris["train"])
    rows = pq.read_table(io.BytesIO(b"".join(bodies)))
    np.testing.assert_array_equal(rows[name].to_numpy(), built.weights("train"))
