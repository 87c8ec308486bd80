"""The gateway's start script in its image, with nginx, beside the stack: what Compose alone does not show.

A network of its own has an nginx that says what it was sent, in place of the api, and gateways with other variables.
"""

import json
import ssl
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import httpx
import pytest
from tests.containers import idle_sockets, name_server
from tests.containers.engine import docker, eventually, of

KUBERNETES = "search millrace.svc.cluster.local svc.cluster.local\nnameserver 10.96.0.10\n"
ECHO = """
pid /tmp/nginx.pid; error_log /dev/stderr; events {}
http {
    access_log off; client_body_temp_path /tmp/1; proxy_temp_path /tmp/2;
    fastcgi_temp_path /tmp/3; uwsgi_temp_path /tmp/4; scgi_temp_path /tmp/5;
    server {
        listen 8000;
        location / {
            default_type application/json;
            return 200 '{"for": "$http_x_forwarded_for", "proto": "$http_x_forwarded_proto"}';
        }
    }
}
"""
HARDENED = ["--init", "--read-only", "--cap-drop", "ALL"]
HARDENED += ["--tmpfs", "/tmp", "--tmpfs", "/certificate:uid=101,gid=101"]  # noqa: S108 - in the container
# Two certificates in folders, of which the kubelet's link names the first, and the start script.
TWO_CERTIFICATES = """
cd /certificate || exit 1
for name in first second; do
    TLS_NAMES=DNS:$name make-certificate && mkdir $name && mv tls.crt tls.key $name || exit 1
done
ln -s first ..data && ln -s ..data/tls.crt tls.crt && ln -s ..data/tls.key tls.key
exec gateway
"""


@pytest.fixture(scope="module")
def image() -> str:
    """The one that the stack runs."""
    return str(of("gateway")[0].facts["Image"])


def variables(values: dict[str, str]) -> list[str]:
    return [word for name, value in values.items() for word in ("-e", f"{name}={value}")]


@pytest.mark.parametrize(
    ("resolv_conf", "values"),
    [
        pytest.param("nameserver 127.0.0.11\n", {}, id="compose"),
        pytest.param(KUBERNETES, {}, id="kubernetes"),
        pytest.param(
            f"nameserver fd00::a\n{KUBERNETES}",
            {"TLS": "1", "LISTEN_IPV6": "1", "TRUSTED_PROXIES": "10.0.0.0/8,::1,fd00::/8,192.0.2.1,1:2:3:4:5:6::/96"},
            id="everything",
        ),
        pytest.param(KUBERNETES, {"TLS": "1", "TLS_ONLY": "1", "TRUSTED_PROXIES": "0.0.0.0/0,::/0"}, id="TLS only"),
    ],
)
def test_nginx_accepts_what_is_written(image: str, resolv_conf: str, values: dict[str, str]) -> None:
    """No name is asked for: there is no network."""
    program = 'echo "$RESOLV" >/tmp/resolv.conf && make-certificate && RESOLV_CONF=/tmp/resolv.conf exec gateway -t'
    options = [*HARDENED, "--network", "none"]
    environment = variables({"RESOLV": resolv_conf, "TLS_NAMES": "DNS:localhost", **values})
    ran = docker("run", "--rm", *options, *environment, image, "sh", "-c", program, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "test is successful" in ran.stderr
    assert "[emerg]" not in ran.stderr


def test_a_malformed_value_ends_the_start(image: str) -> None:
    """With one line that names the variable."""
    ran = docker("run", "--rm", *HARDENED, "-e", "TRUSTED_PROXIES=10.0.0.0/64", image, check=False)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.count("\n") == 1
    assert "TRUSTED_PROXIES" in ran.stderr


@dataclass(frozen=True, slots=True)
class Gateway:
    """A gateway of its own, published on free ports of the loopback address."""

    name: str

    def address(self, port: int) -> str:
        return docker("port", self.name, str(port)).stdout.split()[0]

    @property
    def log(self) -> str:
        ran = docker("logs", self.name)
        return ran.stdout + ran.stderr

    def healthy(self) -> bool:
        state = json.loads(docker("inspect", self.name).stdout)[0]["State"]
        assert state["Running"], self.log
        return bool(state["Health"]["Status"] == "healthy")

    def ask(self, **headers: str) -> httpx.Response:
        return httpx.get(f"http://{self.address(8080)}/echo", headers=headers, timeout=20)


type Starter = Callable[..., Gateway]


@pytest.fixture
def network() -> Iterator[str]:
    """A network of its own; what is on it at the end is removed."""
    name = f"start-{uuid.uuid4().hex[:12]}"
    docker("network", "create", name)
    yield name
    docker("rm", "-f", *docker("ps", "-aq", "--filter", f"network={name}").stdout.split(), check=False)
    docker("network", "rm", name)


def add(network: str, alias: str, image: str, *command: str, options: Sequence[str] = ()) -> str:
    """Starts a container on the network; returns its id."""
    options = [*options, *HARDENED, "--network", network, "--network-alias", alias]
    return docker("run", "-d", *options, image, *command).stdout.strip()


def add_program(network: str, alias: str, module: ModuleType, *arguments: str) -> str:
    """The same, with a Python program of this folder."""
    program = Path(str(module.__file__)).read_text()
    image = str(of("mock-upstream")[0].facts["Image"])
    return add(network, alias, image, "python", "-c", program, *arguments, options=["--ulimit", "nofile=16384"])


def address(container: str) -> str:
    return docker("inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", container).stdout.strip()


@pytest.fixture
def api(network: str, image: str) -> str:
    """A container that says which headers it got, by the name `api`."""
    program = 'echo "$ECHO" >/tmp/nginx.conf && exec nginx -c /tmp/nginx.conf -g "daemon off;"'
    return add(network, "api", image, "sh", "-c", program, options=["-e", f"ECHO={ECHO}"])


@pytest.fixture
def start(network: str, image: str, api: str) -> Starter:
    """Starts a gateway with variables, next to that api."""
    assert api

    def begin(*command: str, options: Sequence[str] = (), **values: str) -> Gateway:
        published = ["-p", "127.0.0.1::8080", "-p", "127.0.0.1::8443"]
        options = [*options, *published, *variables(values)]
        gateway = Gateway(add(network, "gateway", image, *command, options=options))
        eventually(gateway.healthy, said="the gateway is healthy")
        return gateway

    return begin


def test_a_trusted_proxy_tells_address_and_scheme(start: Starter) -> None:
    """The last address that is not a proxy's counts, whatever the client has put before it."""
    gateway = start(TRUSTED_PROXIES="10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,203.0.113.7")
    told = {"X-Forwarded-For": "1.2.3.4, 198.51.100.9, 203.0.113.7", "X-Forwarded-Proto": "https"}
    assert gateway.ask(**told).json() == {"for": "198.51.100.9", "proto": "https"}
    assert gateway.ask(**told | {"X-Forwarded-Proto": "gopher"}).json() == {"for": "198.51.100.9", "proto": "http"}
    lines = [json.loads(line) for line in gateway.log.splitlines() if line.startswith("{")]
    assert [(line["client"], line["scheme"]) for line in lines] == [
        ("198.51.100.9", "https"),
        ("198.51.100.9", "http"),
    ]


@pytest.mark.parametrize("proxies", ["", "203.0.113.7"])
def test_any_other_peer_is_not_believed(start: Starter, proxies: str) -> None:
    """Its own address and scheme are passed on."""
    gateway = start(TRUSTED_PROXIES=proxies)
    direct = gateway.ask().json()
    assert direct["proto"] == "http"
    assert gateway.ask(**{"X-Forwarded-For": "203.0.113.7, 1.2.3.4", "X-Forwarded-Proto": "https"}).json() == direct


WITH_RESOLV_CONF = ("sh", "-c", 'echo "$RESOLV" >/tmp/resolv.conf && RESOLV_CONF=/tmp/resolv.conf exec gateway')


def test_it_starts_without_dns(start: Starter) -> None:
    """It is healthy, and requests get the usual answer, until names can be asked for."""
    answer = start(*WITH_RESOLV_CONF, RESOLV="nameserver 192.0.2.1").ask()
    assert (answer.status_code, answer.json()) == (503, {"error": "Service unavailable"})


@pytest.mark.parametrize("pods", ["192.0.2.1", None], ids=["only dead pods", "no pod"])
def test_the_backup_of_kubernetes_answers(start: Starter, network: str, api: str, pods: str | None) -> None:
    """The name of the pods leads nowhere, and the Service with a fixed address does."""
    domain = "shop.svc.cluster.example"
    names = [f"api-stable.{domain}={address(api)}", *([f"api.{domain}={pods}"] if pods else [])]
    server = add_program(network, "names", name_server, *names)
    gateway = start(*WITH_RESOLV_CONF, RESOLV=f"search {domain}\nnameserver {address(server)}")
    eventually(lambda: gateway.ask().status_code == 200, said="the backup answers")
    assert {gateway.ask().status_code for _ in range(10)} == {200}


def listening(gateway: Gateway) -> set[tuple[str, int]]:
    """Families and ports on which it listens, as the kernel says (state 0A)."""
    found = set()
    for family in ("tcp", "tcp6"):
        shown = docker("exec", gateway.name, "cat", f"/proc/net/{family}").stdout.splitlines()[1:]
        found |= {(family, int(line.split()[1].rsplit(":", 1)[1], 16)) for line in shown if line.split()[3] == "0A"}
    # The engine's name server has a port of its own in there.
    return {(family, port) for family, port in found if port in {8080, 8081, 8443}}


def test_ports(start: Starter) -> None:
    """Plain, IPv6 beside it, and nothing but HTTPS and health with TLS_ONLY."""
    certified = ("sh", "-c", "make-certificate && exec gateway")
    names = {"TLS_NAMES": "DNS:localhost"}
    assert listening(start()) == {("tcp", 8080), ("tcp", 8081)}
    both = start(*certified, **names, LISTEN_IPV6="1", TLS="1")
    assert listening(both) == {(family, port) for family in ("tcp", "tcp6") for port in (8080, 8081, 8443)}
    assert listening(start(*certified, **names, TLS="1", TLS_ONLY="1")) == {("tcp", 8081), ("tcp", 8443)}


def served(gateway: Gateway) -> str:
    """The certificate that a client meets."""
    host, port = gateway.address(8443).split(":")
    return ssl.get_server_certificate((host, int(port)), timeout=10)


@pytest.mark.timeout(180)
def test_a_new_certificate_is_taken_without_a_restart(start: Starter) -> None:
    """As the kubelet swaps it; one that is not valid is refused, and the former one stays."""

    def swap(folder: str) -> None:
        program = f"ln -s {folder} /certificate/..new && mv -T /certificate/..new /certificate/..data"
        docker("exec", gateway.name, "sh", "-c", program)

    gateway = start("sh", "-c", TWO_CERTIFICATES, TLS="1", TLS_ONLY="1")
    first = served(gateway)
    swap("second")
    eventually(lambda: "took the new certificate" in gateway.log, said="the second certificate is taken")
    eventually(lambda: served(gateway) != first, said="the second certificate is served")
    second = served(gateway)

    docker("exec", gateway.name, "sh", "-c", "cd /certificate && mkdir bad && cp first/tls.crt second/tls.key bad")
    swap("bad")
    eventually(lambda: "refused the new certificate" in gateway.log, said="key and certificate do not match")
    time.sleep(1)
    assert served(gateway) == second
    assert "key values mismatch" in gateway.log
    swap("first")
    eventually(lambda: served(gateway) == first, said="the first certificate is taken again")
    assert gateway.log.count("refused the new certificate") == 1


@pytest.mark.timeout(180)
def test_8000_sockets_fit(start: Starter, network: str) -> None:
    """In the files and the memory that compose.yaml gives; twice over, for a socket takes twice as much over TLS."""
    host = of("gateway")[0].host
    memory = str(host["Memory"])
    (files,) = (str(limit["Hard"]) for limit in host["Ulimits"] if limit["Name"] == "nofile")
    gateway = start(options=["--memory", memory, "--memory-swap", memory, "--ulimit", f"nofile={files}"])
    add_program(network, "realtime", idle_sockets, "serve", "8001")
    # The gateway has found it after 2 s.
    time.sleep(5)
    client = Gateway(add_program(network, "client", idle_sockets, "hold", "gateway", "8080", "8000"))
    eventually(lambda: client.log, said="8000 sockets are open")
    assert client.log == "open: 8000\n"
    shown = docker("stats", "--no-stream", "--format", "{{.MemPerc}}", gateway.name).stdout
    assert "not enough" not in gateway.log
    assert 10 < float(shown.strip().rstrip("%")) < 50
