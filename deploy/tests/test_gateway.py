"""The gateway's start script: what it writes for nginx, and when it has nginx load a new certificate.

nginx is in the image only, so a stand-in takes its place here; tests/containers has nginx itself check what is written.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import NamedTuple

import pytest
from small_stack import DEADLINE

SCRIPT = Path(__file__).parents[1] / "gateway" / "gateway"
DOCKER = "nameserver 127.0.0.11\noptions ndots:0\n"
KUBERNETES = (
    "search millrace.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n"
)
# It prints its arguments. With `-t` it judges the certificate; without it runs until it is stopped, and says when it
# reloads.
NGINX = """#!/bin/sh
echo "nginx $*"
case "$*" in
    *"-t") grep -q good "$CERTIFICATE/tls.crt" || { echo "nginx: [emerg] no certificate" >&2; exit 1; } ;;
    *) [ -z "${RUNS:-}" ] || { trap 'echo reloaded' HUP; trap exit TERM; while :; do sleep 0.05; done; } ;;
esac
"""


class Ran(NamedTuple):
    code: int
    stdout: str
    stderr: str


@dataclass(frozen=True, slots=True)
class Script:
    """The start script with files of its own."""

    folder: Path

    def run(self, resolv_conf: str, **variables: str) -> Ran:
        """Until it ends. Its output goes to files: what watches the certificate holds a pipe open a little longer."""
        with (self.folder / "stdout").open("w") as stdout, (self.folder / "stderr").open("w") as stderr:
            environment = self.environment(resolv_conf, variables)
            ran = subprocess.run([SCRIPT], env=environment, stdout=stdout, stderr=stderr, timeout=DEADLINE, check=False)
        return Ran(ran.returncode, Path(stdout.name).read_text(), Path(stderr.name).read_text())

    def environment(self, resolv_conf: str, variables: dict[str, str]) -> dict[str, str]:
        (self.folder / "resolv.conf").write_text(resolv_conf)
        return {
            "PATH": f"{self.folder}:{os.environ['PATH']}",
            "OUT": str(self.folder / "out"),
            "RESOLV_CONF": str(self.folder / "resolv.conf"),
            "CERTIFICATE": str(self.folder),
            "CHECK_SECONDS": "0.1",
            **variables,
        }

    def certify(self, certificate: str) -> None:
        """Have another certificate, at once: what is half there would be one more."""
        (self.folder / "tls.key").write_text("key")
        (self.folder / "new.crt").write_text(certificate)
        (self.folder / "new.crt").replace(self.folder / "tls.crt")

    @property
    def written(self) -> dict[str, str]:
        """Each file without its ending, with what is in it."""
        return {path.stem: path.read_text() for path in (self.folder / "out").iterdir()}


@pytest.fixture
def script(tmp_path: Path) -> Script:
    (tmp_path / "nginx").write_text(NGINX)
    (tmp_path / "nginx").chmod(0o755)
    return Script(tmp_path)


COMPOSE_FILES = {
    "resolver": "resolver 127.0.0.11 valid=2s ipv6=off;\n",
    "api": "server api:8000 resolve max_fails=1 fail_timeout=2s;\n",
    "realtime": "server realtime:8001 resolve max_fails=1 fail_timeout=2s;\n",
    "real_ip": "",
    "trusted": "",
    "listen": "listen 8080 default_server;\n",
    "listen_health": "listen 8081;\n",
}
KUBERNETES_FILES = COMPOSE_FILES | {
    "resolver": "resolver 10.96.0.10 valid=2s ipv6=off;\n",
    "api": (
        "server api.millrace.svc.cluster.local:8000 resolve max_fails=1 fail_timeout=2s;\n"
        "server api-stable.millrace.svc.cluster.local:8000 resolve max_fails=0 backup;\n"
    ),
    "realtime": (
        "server realtime.millrace.svc.cluster.local:8001 resolve max_fails=1 fail_timeout=2s;\n"
        "server realtime-stable.millrace.svc.cluster.local:8001 resolve max_fails=0 backup;\n"
    ),
}
TLS_FILES = {"listen": "listen 8443 ssl default_server;\ninclude /etc/nginx/tls.conf;\n"}


@pytest.mark.parametrize(
    ("resolv_conf", "variables", "expected"),
    [
        pytest.param(DOCKER, {}, COMPOSE_FILES, id="compose"),
        pytest.param(f"search example.com\n{DOCKER}", {}, COMPOSE_FILES, id="the host has a search domain"),
        pytest.param(
            f"search ci.svc.cluster.local\n{DOCKER}", {}, COMPOSE_FILES, id="the engine itself runs in Kubernetes"
        ),
        pytest.param(KUBERNETES, {}, KUBERNETES_FILES, id="kubernetes"),
        pytest.param(
            "# a comment\nnameserver\t169.254.20.10\nsearch \t shop.svc.corp.example. svc.corp.example",
            {},
            COMPOSE_FILES
            | {
                "resolver": "resolver 169.254.20.10 valid=2s ipv6=off;\n",
                "api": (
                    "server api.shop.svc.corp.example:8000 resolve max_fails=1 fail_timeout=2s;\n"
                    "server api-stable.shop.svc.corp.example:8000 resolve max_fails=0 backup;\n"
                ),
                "realtime": (
                    "server realtime.shop.svc.corp.example:8001 resolve max_fails=1 fail_timeout=2s;\n"
                    "server realtime-stable.shop.svc.corp.example:8001 resolve max_fails=0 backup;\n"
                ),
            },
            id="NodeLocal DNS, another domain, tabs, no newline at the end",
        ),
        pytest.param(
            "nameserver fd00::a\nnameserver fe80::1%eth0\nnameserver 10.0.0.2\n",
            {"LISTEN_IPV6": "1"},
            COMPOSE_FILES
            | {
                "resolver": "resolver [fd00::a] 10.0.0.2 valid=2s;\n",
                "listen": "listen 8080 default_server;\nlisten [::]:8080 default_server;\n",
                "listen_health": "listen 8081;\nlisten [::]:8081;\n",
            },
            id="IPv6, but no name server that nginx cannot ask",
        ),
        pytest.param(
            DOCKER,
            {"TRUSTED_PROXIES": "10.0.0.0/8, 2001:db8::/32,192.0.2.1"},
            COMPOSE_FILES
            | {
                "real_ip": (
                    "set_real_ip_from 10.0.0.0/8;\nset_real_ip_from 2001:db8::/32;\nset_real_ip_from 192.0.2.1;\n"
                ),
                "trusted": "10.0.0.0/8 1;\n2001:db8::/32 1;\n192.0.2.1 1;\n",
            },
            id="trusted proxies",
        ),
        pytest.param(
            DOCKER,
            {"TLS": "1"},
            COMPOSE_FILES | {"listen": f"listen 8080 default_server;\n{TLS_FILES['listen']}"},
            id="TLS",
        ),
        pytest.param(DOCKER, {"TLS": "1", "TLS_ONLY": "1"}, COMPOSE_FILES | TLS_FILES, id="TLS only"),
        pytest.param(
            DOCKER, {"TLS": "0", "TLS_ONLY": "", "LISTEN_IPV6": "0", "TRUSTED_PROXIES": ""}, COMPOSE_FILES, id="all off"
        ),
    ],
)
def test_what_is_written(script: Script, resolv_conf: str, variables: dict[str, str], expected: dict[str, str]) -> None:
    """Then nginx is started, in the foreground."""
    script.certify("good")
    ran = script.run(resolv_conf, **variables)
    assert ran == (0, "nginx -g daemon off;\n", "")
    assert script.written == expected


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"TLS": "yes"}, "TLS is 'yes': set it to 0 or 1"),
        ({"TLS_ONLY": "true"}, "TLS_ONLY is 'true': set it to 0 or 1"),
        ({"LISTEN_IPV6": "2"}, "LISTEN_IPV6 is '2': set it to 0 or 1"),
        ({"TLS_ONLY": "1"}, "TLS_ONLY=1 needs TLS=1"),
        (
            {"TRUSTED_PROXIES": "10.0.0.1,proxy.example"},
            "TRUSTED_PROXIES has 'proxy.example': list addresses or networks (10.0.0.0/8), with commas",
        ),
    ],
)
def test_a_malformed_value_is_named(script: Script, variables: dict[str, str], said: str) -> None:
    """In one line, and nginx is not started."""
    ran = script.run(DOCKER, **variables)
    assert ran == (1, "", f"gateway: {said}\n")


def test_a_missing_certificate_is_named(script: Script) -> None:
    ran = script.run(DOCKER, TLS="1")
    assert ran.code == 1
    assert ran.stderr == f"gateway: TLS=1 needs {script.folder}/tls.crt, which is missing or empty\n"


def test_a_missing_name_server_is_said(script: Script) -> None:
    ran = script.run("search example.com\n")
    assert ran.code == 1
    assert ran.stderr == f"gateway: {script.folder}/resolv.conf names no name server (nameserver ADDRESS)\n"


NETWORKS = """
0.0.0.0/0 10.1.2.3 255.255.255.255/32 ::/0 :: ::1 1:: fe80::1 2001:db8:1:2:3:4:5:6 1:2:3:4:5:6::/128 ::3:4:5:6:7:8
256.0.0.1 1.2.3 1.2.3.4.5 01.2.3.4 10.0.0.0/33 10.0.0.0/ 10.0.0.0/8/8 10.0.0.0/-1 ::/129 ::1::2 ::: :1 1: 1:2:3
fe80::1%1 1:2:3:4::5:6:7:8 1:2:3:4:5:6:7:8:9 12345:: g:: abc localhost unix: 10.0.0.1; * / {} $host
"""


@pytest.mark.parametrize("network", NETWORKS.split())
def test_networks_are_those_of_the_standard_library(script: Script, network: str) -> None:
    """Else nginx takes the word for a host name and asks for it."""
    try:
        ip_network(network, strict=False)
    except ValueError:
        accepted = False
    else:
        accepted = "%" not in network
    ran = script.run(DOCKER, TRUSTED_PROXIES=network)
    assert (ran.code == 0) == accepted, ran.stderr


def test_no_line_can_be_smuggled_in(script: Script) -> None:
    """A value of several lines is several values."""
    ran = script.run(DOCKER, TRUSTED_PROXIES="10.0.0.1\ninclude\n/etc/passwd;")
    assert ran.stderr.startswith("gateway: TRUSTED_PROXIES has 'include': ")


@contextmanager
def running(script: Script, log: Path) -> Iterator[Callable[[str], str]]:
    """The script with an nginx that goes on; gives what waits for a line in its output."""
    environment = script.environment(DOCKER, {"TLS": "1", "RUNS": "1"})
    # A shell cannot trap a signal that was ignored when it started, as under nohup. The real nginx can.
    command = ["env", "--default-signal=HUP", str(SCRIPT)]
    with log.open("w") as out, subprocess.Popen(command, env=environment, stdout=out, stderr=out) as process:

        def wait_for(wanted: str) -> str:
            deadline = time.monotonic() + DEADLINE
            while wanted not in (text := log.read_text()):
                assert time.monotonic() < deadline, text
                time.sleep(0.05)
            return text

        try:
            yield wait_for
        finally:
            process.send_signal(signal.SIGTERM)


def test_a_new_certificate_is_loaded_when_nginx_accepts_it(script: Script, tmp_path: Path) -> None:
    """One that it refuses is said once and changes nothing."""
    script.certify("good 1")
    with running(script, tmp_path / "log") as wait_for:
        wait_for("daemon off")
        script.certify("bad")
        text = wait_for("refused the new certificate")
        assert text.endswith("the former one stays: nginx: [emerg] no certificate\n")
        assert "reloaded" not in text
        script.certify("good 2")
        wait_for("reloaded")
        text = wait_for("gateway: took the new certificate of")
    assert text.count("refused") == 1


def test_a_swap_of_symbolic_links_is_seen(script: Script, tmp_path: Path) -> None:
    """As the kubelet changes a mounted Secret: the files are links into a folder that is a link itself."""
    for name in ("1", "2"):
        (tmp_path / name).mkdir()
        for file in ("tls.crt", "tls.key"):
            (tmp_path / name / file).write_text(f"good {name}")
    (tmp_path / "..data").symlink_to("1")
    for file in ("tls.crt", "tls.key"):
        (tmp_path / file).symlink_to(f"..data/{file}")
    with running(script, tmp_path / "log") as wait_for:
        wait_for("daemon off")
        (tmp_path / "..data_tmp").symlink_to("2")
        (tmp_path / "..data_tmp").rename(tmp_path / "..data")
        wait_for("reloaded")
