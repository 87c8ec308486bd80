"""W2 with Django's async ORM."""

import json

from django.http import Http404, HttpRequest, JsonResponse

from bench.peers.django.models import Entry, Item

PAGE = 20


async def one(request: HttpRequest, item_id: int) -> JsonResponse:
    """A row by its id."""
    await request.auser()
    found = await Item.objects.filter(pk=item_id).afirst()
    if found is None:
        raise Http404
    return JsonResponse(found.as_dict())


async def rows(request: HttpRequest) -> JsonResponse:
    """A page by id and the number of all, or a new row."""
    await request.auser()
    if request.method == "POST":
        data = json.loads(request.body)
        entry = await Entry.objects.acreate(name=data["name"], price=data["price"])
        return JsonResponse(entry.as_dict(), status=201)
    start = (int(request.GET.get("page", "1")) - 1) * PAGE
    items = Item.objects.order_by("id")
    total = await items.acount()
    return JsonResponse({"rows": [item.as_dict() async for item in items[start : start + PAGE]], "total": total})


async def singles(request: HttpRequest) -> JsonResponse:
    """20 queries, one after the other."""
    await request.auser()
    start = int(request.GET.get("start", "1"))
    found = [await Item.objects.aget(pk=number) for number in range(start, start + PAGE)]
    return JsonResponse({"rows": [item.as_dict() for item in found]})


rows.csrf_exempt = True  # type: ignore[attr-defined]
