"""Operations that are planned: no request fails, and no message is lost."""

import pytest
from tests.kubernetes.cluster import call, names, roll, rolled_out
from tests.kubernetes.conftest import UnderLoad
from tests.kubernetes.stack import SOCKETS


@pytest.mark.ci
@pytest.mark.row("roll {service}")
@pytest.mark.timeout(300)
@pytest.mark.parametrize("service", ["api", "realtime", "gateway"])
async def test_a_roll(service: str, under_load: UnderLoad) -> None:
    """Every pod is replaced. Sockets of realtime close with 1012; those of a gateway without a close frame."""
    before = names(service)
    async with under_load() as load:
        await roll(service)
    assert not names(service) & before
    load.nothing_failed()
    closes = {close.code for close in load.crowd.closes(load.noted)}
    match service:
        case "realtime":
            load.moved(SOCKETS)
        case "gateway":
            assert closes == {None}
        case _:
            assert closes == set()


@pytest.mark.row("scale down with sockets")
@pytest.mark.timeout(300)
async def test_scaling_down(under_load: UnderLoad) -> None:
    """realtime from 3 to 2: the sockets of the third pod move."""
    await call("scale", "deployment/realtime", "--replicas=3")
    await rolled_out("realtime")
    async with under_load() as load:
        await call("scale", "deployment/realtime", "--replicas=2")
        await rolled_out("realtime")
    assert len(names("realtime")) == 2
    load.nothing_failed()
    load.moved(1)
