"""The true async ORM (django-async-backend): `async_objects`, on the task's own connection, without a thread.

It has no prefetch_related, no related managers, no aiterator, no araw and no arefresh_from_db: see `stock_calls.py`.
"""

import uuid
from typing import Any

from django.db.models import Count, Exists, F, Max, OuterRef
from django.db.models.functions import Upper
from django_async_backend.db.transaction import async_atomic

from accounts.models import User
from api.orm.calls import Calls, Demo
from rooms.models import Message, Room

ASYNC_CALLS = Calls("async")
call = ASYNC_CALLS.add


@call("acreate")
async def acreate(demo: Demo) -> Any:
    demo.user = await User.async_objects.acreate(username=demo.name, password="!")  # noqa: S106 - no password fits it
    return demo.user


@call("aget_or_create")
async def aget_or_create(demo: Demo) -> Any:
    demo.room, _ = await Room.async_objects.aget_or_create(name=demo.name, defaults={"title": "ORM"})
    return demo.room


@call("aupdate_or_create")
async def aupdate_or_create(demo: Demo) -> Any:
    return await Room.async_objects.aupdate_or_create(name=demo.name, defaults={"title": "The ORM"})


@call("abulk_create")
async def abulk_create(demo: Demo) -> Any:
    return await Message.async_objects.abulk_create(
        Message(room=demo.room, seq=seq, user=demo.user, username=demo.name, client_id=uuid.uuid4(), body="hello")
        for seq in (1, 2, 3)
    )


@call("abulk_update")
async def abulk_update(demo: Demo) -> Any:
    demo.user.first_name = "Ada"
    return await User.async_objects.abulk_update([demo.user], ["first_name"])


@call("aupdate")
async def aupdate(demo: Demo) -> Any:
    return await Room.async_objects.filter(pk=demo.room.pk).aupdate(last_seq=F("last_seq") + 3)


@call("async_save")
async def async_save(demo: Demo) -> Any:
    demo.user.last_name = "Lovelace"
    await demo.user.async_save(update_fields=["last_name"])
    return demo.user


@call("aget")
async def aget(demo: Demo) -> Any:
    return await User.async_objects.aget(username=demo.name)


@call("aexists")
async def aexists(demo: Demo) -> Any:
    return await User.async_objects.filter(username=demo.name).aexists()


@call("acount")
async def acount(demo: Demo) -> Any:
    return await Message.async_objects.filter(room=demo.room).acount()


@call("afirst")
async def afirst(demo: Demo) -> Any:
    return await Message.async_objects.filter(room=demo.room).order_by("seq").afirst()


@call("alast")
async def alast(demo: Demo) -> Any:
    return await Message.async_objects.filter(room=demo.room).order_by("seq").alast()


@call("aearliest")
async def aearliest(demo: Demo) -> Any:
    return await Message.async_objects.filter(room=demo.room).aearliest("created_at")


@call("alatest")
async def alatest(demo: Demo) -> Any:
    return await Message.async_objects.filter(room=demo.room).alatest("created_at")


@call("acontains")
async def acontains(demo: Demo) -> Any:
    return await User.async_objects.filter(is_active=True).acontains(demo.user)


@call("ain_bulk")
async def ain_bulk(demo: Demo) -> Any:
    return await Room.async_objects.ain_bulk([demo.name], field_name="name")


@call("aaggregate")
async def aaggregate(demo: Demo) -> Any:
    return await Message.async_objects.filter(room=demo.room).aaggregate(messages=Count("seq"), newest=Max("seq"))


@call("async for")
async def async_for(demo: Demo) -> Any:
    return [message async for message in Message.async_objects.filter(room=demo.room).order_by("seq")]


@call("values")
async def values(demo: Demo) -> Any:
    return [row async for row in Message.async_objects.filter(room=demo.room).values("seq", "body")]


@call("values_list")
async def values_list(demo: Demo) -> Any:
    return [seq async for seq in Message.async_objects.filter(room=demo.room).values_list("seq", flat=True)]


@call("slice")
async def page(demo: Demo) -> Any:
    return [message async for message in Message.async_objects.filter(room=demo.room, seq__gt=1).order_by("seq")[:2]]


@call("select_related")
async def select_related(demo: Demo) -> Any:
    return [
        (message.room.name, message.user.username)
        async for message in Message.async_objects.filter(room=demo.room).select_related("room", "user")
    ]


@call("annotate")
async def annotate(demo: Demo) -> Any:
    return [room async for room in Room.async_objects.filter(pk=demo.room.pk).annotate(shout=Upper("name"))]


@call("Exists")
async def exists_subquery(demo: Demo) -> Any:
    written = Message.objects.filter(room=OuterRef("pk"))
    return [room async for room in Room.async_objects.filter(Exists(written), pk=demo.room.pk)]


@call("union")
async def union(demo: Demo) -> Any:
    users = User.async_objects.filter(pk=demo.user.pk).values_list("username")
    return [row async for row in users.union(Room.async_objects.filter(pk=demo.room.pk).values_list("title"))]


@call("distinct")
async def distinct(demo: Demo) -> Any:
    return [body async for body in Message.async_objects.filter(room=demo.room).values_list("body").distinct()]


@call("select_for_update")
async def select_for_update(demo: Demo) -> Any:
    return await Room.async_objects.select_for_update().aget(pk=demo.room.pk)


@call("async_atomic")
async def savepoint(demo: Demo) -> Any:
    async with async_atomic():
        await Room.async_objects.filter(pk=demo.room.pk).aupdate(title="In a savepoint")


@call("aexplain")
async def aexplain(demo: Demo) -> Any:
    return await Message.async_objects.filter(room=demo.room).aexplain()


@call("adelete")
async def adelete(demo: Demo) -> Any:
    return await Message.async_objects.filter(room=demo.room).adelete()


@call("async_delete")
async def async_delete(demo: Demo) -> Any:
    return await demo.room.async_delete()
