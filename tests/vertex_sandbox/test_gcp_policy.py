import pytest
from google.api_core import exceptions
from vertex_sandbox_kit import NOT_RETRIED, table_inputs


@pytest.fixture
def access(vertex):
    yield vertex.server.service.world.access
    vertex.server.service.control("delete-policy", None)


@pytest.mark.parametrize("transport", ["rest", "grpc"])
def test_what_is_not_granted_is_refused(vertex, access, loans, transport):
    vertex.server.service.control("policy", {"permissions": ["aiplatform.datasets.get", "aiplatform.*.list"]})
    vertex.client("Dataset", transport).get_dataset(name=loans.name)
    list(vertex.client("Model", transport).list_models(parent=vertex.parent))
    with pytest.raises(
        (exceptions.Forbidden, exceptions.PermissionDenied), match=r"aiplatform\.trainingPipelines\.create"
    ):
        vertex.client("Pipeline", transport).create_training_pipeline(
            parent=vertex.parent, training_pipeline=vertex.pipeline("no", loans, table_inputs()), **NOT_RETRIED
        )
    with pytest.raises((exceptions.Forbidden, exceptions.PermissionDenied), match=r"aiplatform\.datasets\.delete"):
        vertex.client("Dataset", transport).delete_dataset(name=loans.name)
    asked = vertex.server.service.control("actions", None)
    assert asked["refused"] == ["aiplatform.trainingPipelines.create", "aiplatform.datasets.delete"]
    assert "aiplatform.models.list" in asked["used"]


def test_objects_need_permissions_too(vertex, access):
    vertex.server.service.control("policy", ["storage.objects.get", "storage.buckets.get"])
    bucket = vertex.storage.get_bucket(vertex.bucket)
    with pytest.raises(exceptions.Forbidden, match=r"does not have storage\.objects\.create access"):
        bucket.blob("refused").upload_from_string("x")
    with pytest.raises(exceptions.Forbidden, match=r"storage\.objects\.list"):
        list(vertex.storage.list_blobs(vertex.bucket))
    held = bucket.test_iam_permissions(["storage.objects.get", "storage.objects.create"])
    assert held == ["storage.objects.get"]
