"""The usual port where it is free, the next free one where not."""

import socket
from collections.abc import Iterator
from dataclasses import astuple, replace

import pytest

from devstack.output import StackError
from devstack.ports import Ports, choose, choose_free, is_free


@pytest.fixture
def usual() -> Ports:
    """Ports that are free here and now."""
    free = choose_free()
    return Ports(api=free.api, realtime=free.api + 1, upstream=free.upstream)


@pytest.fixture
def busy(usual: Ports) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", usual.api)):
        yield usual.api


def test_a_busy_port_moves_and_is_said(usual: Ports, busy: int) -> None:
    """To the next free one that is no sibling's usual port."""
    said: list[str] = []
    chosen = choose({}, said.append, usual)
    assert chosen.api not in {busy, usual.realtime, usual.upstream}
    assert is_free(chosen.api)
    assert said[0] == f"port {busy} is taken: api listens on {chosen.api}"


def test_a_fixed_port_is_taken_as_it_is(usual: Ports) -> None:
    """The environment decides."""
    assert choose({"API_PORT": str(usual.upstream + 1)}, usual=usual).api == usual.upstream + 1


def test_the_processes_ports_go_with_the_shared_one(usual: Ports) -> None:
    """So two stacks with fixed ports do not meet at the ports that are not fixed."""
    usual = replace(usual, realtime_1=usual.realtime + 10, realtime_2=usual.realtime + 11)
    shared = choose_free().realtime
    chosen = choose({"REALTIME_PORT": str(shared)}, usual=usual)
    assert (chosen.realtime_1, chosen.realtime_2) == (shared + 10, shared + 11)


def test_ports_that_are_chosen_at_the_same_time_differ() -> None:
    """Nothing listens yet at the ones that were chosen before."""
    chosen = [port for _ in range(20) for port in astuple(choose_free())]
    assert len(set(chosen)) == len(chosen)


@pytest.mark.parametrize("value", ["0", "65536", "http", "-1", "٣"])
def test_a_fixed_port_has_to_be_one(value: str) -> None:
    """One sentence that names the variable."""
    with pytest.raises(StackError, match=f"API_PORT={value} is not a port"):
        choose({"API_PORT": value})


def test_a_fixed_port_that_is_busy_is_refused(usual: Ports, busy: int) -> None:
    """Whoever fixes a port counts on it."""
    with pytest.raises(StackError, match="something listens there already"):
        choose({"REALTIME_PORT": str(busy)}, usual=usual)


def test_a_port_taken_on_all_addresses_is_not_free(usual: Ports) -> None:
    """As another project's container would."""
    with socket.create_server(("0.0.0.0", usual.upstream)):  # noqa: S104 - that is the point
        assert not is_free(usual.upstream)
