"""A studio that runs: who may talk to it, how much at a time, and what it tells of itself."""

import http.client
import shutil
import socket

import pytest
from studio_session import Visitor, running
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from apps.serving import metadata
from apps.studio.launch import LOOPBACK, command

TOKEN = "_streamlit_xsrf"


@pytest.fixture(scope="module")
def studio(exported, tmp_path_factory):
    """A studio over the small model, and over one whose metadata nobody foresaw."""
    folder = tmp_path_factory.mktemp("server")
    shutil.copytree(exported, folder / "models")
    odd = folder / "models" / "odd" / "1"
    shutil.copytree(exported / "mood" / "1", odd)
    metadata.write(odd, metadata.seal(odd, {**metadata.read(odd), "signatures": ["none"]}))
    with running(folder / "models", folder) as started:
        yield started


def _ask(studio, method, path, headers=None, body=None):
    connection = http.client.HTTPConnection("localhost", studio.port, timeout=60)
    connection.request(method, path, body, headers or {})
    answer = connection.getresponse()
    return answer.status, answer.read(), answer.getheader("Set-Cookie", "")


def _token(studio):
    cookie = _ask(studio, "GET", "/_stcore/health")[2]
    return next(part.split("=", 1)[1] for part in cookie.split(";") if part.strip().startswith(TOKEN))


def test_health(studio):
    status, body, _ = _ask(studio, "GET", "/_stcore/health")
    assert (status, body) == (200, b"ok")


def test_file_needs_the_token_and_has_a_limit(studio):
    visitor = Visitor(studio.port, "sentiment")
    path = f"/_stcore/upload_file/{visitor.session}/some-id"
    body = b'--x\r\nContent-Disposition: form-data; name="f"; filename="a.csv"\r\n\r\ntext\r\n--x--\r\n'
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    assert _ask(studio, "PUT", path, kind, body)[0] == 403
    token = _token(studio)
    kind |= {"Cookie": f"{TOKEN}={token}", "X-Xsrftoken": token}
    assert _ask(studio, "PUT", path, kind, body)[0] == 204
    assert _ask(studio, "PUT", path, {**kind, "Content-Length": str(51 * 2**20)}, body)[0] == 413
    visitor.close()


def test_page_of_another_site_gets_no_connection(studio):
    address = f"ws://localhost:{studio.port}/_stcore/stream"
    with pytest.raises(InvalidStatus, match="403"):
        connect(address, origin="http://evil.example", proxy=None)
    # A name of the network that somebody has pointed at this machine.
    with pytest.raises(InvalidStatus, match="403"):
        connect(
            f"ws://evil.example:{studio.port}/_stcore/stream",
            origin=f"http://evil.example:{studio.port}",
            sock=socket.create_connection(("localhost", studio.port)),
            proxy=None,
        )
    connect(address, origin=f"http://localhost:{studio.port}", proxy=None).close()


def test_error_that_nobody_foresaw_shows_no_traceback(studio):
    visitor = Visitor(studio.port, "model")
    assert not visitor.drawn.problems
    visitor.choose("model", "odd/1")
    (shown,) = visitor.drawn.exceptions
    for word in ("Traceback", ".py", "AttributeError", "model_page"):
        assert word not in shown
    assert "AttributeError" in studio.log.read_text()
    visitor.close()


def test_visitors_do_not_load_the_model_again(studio, exported):
    first = Visitor(studio.port, "sentiment")
    before = studio.bytes_read()
    if before is None:
        pytest.skip("this system does not count what a process reads")
    visitors = [Visitor(studio.port, "sentiment") for _ in range(3)]
    for number, visitor in enumerate([first, *visitors]):
        drawn = visitor.write("text", f"a good day {number}")
        assert not drawn.problems
        assert any("verdict-label" in piece for piece in drawn.html)
        visitor.close()
    graph = (exported / "mood" / "1" / "saved_model.pb").stat().st_size
    assert studio.bytes_read() - before < 4 * graph


def test_sizes_in_force(studio):
    """Streamlit reads the file beside app.py, wherever it is started."""
    visitor = Visitor(studio.port, "sentiment")
    assert visitor.config.disable_data_export
    assert not visitor.config.gather_usage_stats
    drawn = visitor.write("text", "x" * 50_001)
    assert any("50,001" in alert and "cut" not in alert for alert in drawn.alerts)
    with pytest.raises(Exception, match=r"1009|too big|closed|reset"):
        visitor.write("text", "x" * (6 * 10**6))


def test_only_a_loopback_address_limits_names():
    for host in LOOPBACK:
        assert "--server.allowedHosts" in command(address=host)
    open_to_all = command(address="0.0.0.0")
    assert "--server.allowedHosts" not in open_to_all
    options = dict(zip(open_to_all[5::2], open_to_all[6::2], strict=False))
    assert options["--server.enableXsrfProtection"] == "true"
    assert options["--client.showErrorDetails"] == "none"
    assert command()[command().index("--server.address") + 1] == "localhost"
