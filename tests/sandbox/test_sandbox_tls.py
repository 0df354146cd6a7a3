"""A stand-in that brings a certificate is served over TLS, to any name that is this machine's."""

import json
import socket
import ssl
import urllib.request

import pytest
from sandbox_toy_service import Toy

from automl_bridge.sandbox.server import SandboxServer
from automl_bridge.sandbox.tls import Certificate


@pytest.fixture(scope="module")
def server():
    certificate = Certificate()

    def make(context):
        service = Toy(context)
        service.certificate = certificate
        return service

    with SandboxServer(make) as running:
        yield running
    certificate.close()
    assert not certificate.folder.exists()


def ask(server, context):
    with urllib.request.urlopen(f"{server.url}/sandbox", timeout=10, context=context) as answer:
        return json.loads(answer.read())


def test_who_trusts_it_is_answered(server):
    assert server.url.startswith("https://")
    assert ask(server, server.certificate.client_context())["sandbox"] == server.service.name


def test_who_does_not_is_warned(server):
    with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
        ask(server, ssl.create_default_context())


def test_a_client_that_says_nothing_holds_nobody_up(server):
    with socket.create_connection((server.host, server.port)):
        assert ask(server, server.certificate.client_context())


def test_the_bundle_trusts_what_was_trusted_before(server):
    variables = server.certificate.environment()
    assert set(variables) == {"REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"}
    text = server.certificate.bundle.read_text()
    assert text.count("BEGIN CERTIFICATE") > 20
    assert text.endswith(server.certificate.certificate.read_text())
