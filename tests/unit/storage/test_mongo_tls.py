"""MongoDB over TLS: a relay in front of it has the certificate."""

import select
import socket
import socketserver
import ssl
import threading
from contextlib import contextmanager, suppress

import pytest

from config.load import load_settings
from server.core.errors import Unavailable
from server.outside import open_mongo
from tests.cluster.nginx import make_certificate

pytestmark = [
    pytest.mark.services,
    # Python leaves one open whose peer went between accept and handshake: the driver's next try meets a relay that ends.
    pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning"),
]


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("tls"))


class Relay(socketserver.BaseRequestHandler):
    """Speaks TLS to us and plain text to MongoDB; a thread a connection."""

    def handle(self):
        server = self.server
        with suppress(OSError), socket.create_connection(("127.0.0.1", server.far_port)) as far:
            with server.context.wrap_socket(self.request, server_side=True) as near:
                while True:
                    for source, sink in ((near, far), (far, near)):
                        while (source is near and near.pending()) or select.select([source], [], [], 0.01)[0]:
                            data = source.recv(65_536)
                            if not data:
                                return
                            sink.sendall(data)


@contextmanager
def encrypted(authority, far_port):
    """The port of a relay with the certificate that the authority has signed."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Relay) as server:
        server.far_port = far_port
        server.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.context.load_cert_chain(authority.with_name("fullchain.pem"), authority.with_name("key.pem"))
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.fixture
def asked(mongo_url, tmp_path, authority):
    """`await asked(host, **settings)`: what is wrong with MongoDB behind TLS, empty: nothing."""

    async def ask(host="localhost", **limits):
        far_port = int(mongo_url.rpartition(":")[2].partition("/")[0])
        with encrypted(authority, far_port) as port:
            names = {f"PEIHU_MONGO__{name.upper()}": str(value) for name, value in limits.items()}
            url = {"PEIHU_DATA_DIR": str(tmp_path), "PEIHU_MONGO_URL": f"mongodb://{host}:{port}/peihu"}
            mongo = open_mongo(load_settings(None, url | names))
            try:
                await mongo.probe(lambda db: db.command("ping"))
            except Unavailable:
                pass
            finally:
                mongo.close()
            return mongo.why_away

    return ask


async def test_with_its_authority_a_server_is_spoken_to_over_tls(asked, authority):
    assert await asked(tls_ca_file=authority) == ""


async def test_a_certificate_of_another_authority_is_not_trusted(asked, tmp_path):
    assert "certificate verify failed" in await asked(tls_ca_file=make_certificate(tmp_path))
    assert "certificate verify failed" in await asked(tls_ca_file="system")


async def test_a_certificate_for_another_name_is_refused_unless_names_do_not_matter(asked, authority):
    assert "certificate" in await asked("127.1", tls_ca_file=authority)
    assert await asked("127.1", tls_ca_file=authority, tls_verify_host=False) == ""


async def test_without_a_setting_nothing_is_encrypted(asked):
    assert "does not answer" in await asked()
