"""W2 with Django's synchronous ORM."""

import json

from django.http import Http404, HttpRequest, JsonResponse

from bench.peers.django.models import Entry, Item

PAGE = 20


def one(request: HttpRequest, item_id: int) -> JsonResponse:
    """A row by its id."""
    _ = request.user.is_authenticated
    found = Item.objects.filter(pk=item_id).first()
    if found is None:
        raise Http404
    return JsonResponse(found.as_dict())


def rows(request: HttpRequest) -> JsonResponse:
    """A page by id and the number of all, or a new row."""
    _ = request.user.is_authenticated
    if request.method == "POST":
        data = json.loads(request.body)
        entry = Entry.objects.create(name=data["name"], price=data["price"])
        return JsonResponse(entry.as_dict(), status=201)
    start = (int(request.GET.get("page", "1")) - 1) * PAGE
    items = Item.objects.order_by("id")
    total = items.count()
    return JsonResponse({"rows": [item.as_dict() for item in items[start : start + PAGE]], "total": total})


def singles(request: HttpRequest) -> JsonResponse:
    """20 queries, one after the other."""
    _ = request.user.is_authenticated
    start = int(request.GET.get("start", "1"))
    found = [Item.objects.get(pk=number) for number in range(start, start + PAGE)]
    return JsonResponse({"rows": [item.as_dict() for item in found]})


rows.csrf_exempt = True  # type: ignore[attr-defined]
