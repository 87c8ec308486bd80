"""What the true async ORM lacks, on Django's own: each a-method runs its synchronous counterpart on a thread.

Every call after the first reads what an earlier one wrote and nobody committed: they can only share one connection.
"""

from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth.models import Group
from django.db.models import aprefetch_related_objects

from accounts.models import User
from api.orm.calls import Calls, Demo
from rooms.models import Membership, Room

STOCK_CALLS = Calls("stock")
call = STOCK_CALLS.add


@call("acreate")
async def acreate(demo: Demo) -> Any:
    demo.user = await User.objects.acreate(username=demo.name, password="!")  # noqa: S106 - no password fits it
    demo.room = await Room.objects.acreate(name=demo.name, title="ORM")
    return 2


@call("related.acreate")
async def related_acreate(demo: Demo) -> Any:
    return await demo.room.memberships.acreate(user=demo.user)


@call("related.aget_or_create")
async def related_aget_or_create(demo: Demo) -> Any:
    return await demo.user.memberships.aget_or_create(room=demo.room)


@call("related.aadd")
async def related_aadd(demo: Demo) -> Any:
    demo.group = await Group.objects.acreate(name=demo.name)
    await demo.user.groups.aadd(demo.group)
    return await demo.user.groups.acount()


@call("related.aset")
async def related_aset(demo: Demo) -> Any:
    await demo.user.groups.aset([await Group.objects.acreate(name=f"{demo.name}_too")])
    return await demo.user.groups.acount()


@call("related.aremove")
async def related_aremove(demo: Demo) -> Any:
    await demo.user.groups.aremove(demo.group)
    return await demo.user.groups.acount()


@call("related.aclear")
async def related_aclear(demo: Demo) -> Any:
    await demo.user.groups.aclear()
    return await demo.user.groups.acount()


@call("asave")
async def asave(demo: Demo) -> Any:
    demo.room.title = "The ORM"
    await demo.room.asave(update_fields=["title"])
    return demo.room


@call("arefresh_from_db")
async def arefresh_from_db(demo: Demo) -> Any:
    await demo.room.arefresh_from_db()
    return demo.room


@call("aiterator")
async def aiterator(demo: Demo) -> Any:
    return [user async for user in User.objects.filter(username=demo.name).aiterator(chunk_size=500)]


@call("prefetch_related")
async def prefetch_related(demo: Demo) -> Any:
    return [room async for room in Room.objects.filter(name=demo.name).prefetch_related("memberships__user")]


@call("aprefetch_related_objects")
async def aprefetch(demo: Demo) -> Any:
    await aprefetch_related_objects([demo.user], "memberships__room")
    return [membership.room for membership in demo.user.memberships.all()]


@call("raw")
async def raw(demo: Demo) -> Any:
    return [room async for room in Room.objects.raw("SELECT * FROM rooms_room WHERE name = %s", [demo.name])]


@call("sync_to_async")
async def wrapped(demo: Demo) -> Any:
    def memberships() -> list[Membership]:
        return list(Membership.objects.filter(room=demo.room))

    return await sync_to_async(memberships)()


@call("adelete")
async def adelete(demo: Demo) -> Any:
    return await demo.room.adelete()
