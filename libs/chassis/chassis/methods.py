"""Plain views that answer some HTTP methods only; typed controllers and class-based views know theirs already."""

from collections.abc import Callable
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any

from django.http import HttpRequest

from chassis.errors import MethodNotAllowed


def only[View: Callable[..., Any]](*methods: str) -> Callable[[View], View]:
    """Decorates a view, sync or async, that answers `methods`; any other method is a 405 that names them."""

    def decorate(view: View) -> View:
        def check(request: HttpRequest) -> None:
            if request.method not in methods:
                raise MethodNotAllowed(*methods)

        @wraps(view)
        async def checked_async(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            check(request)
            return await view(request, *args, **kwargs)

        @wraps(view)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            check(request)
            return view(request, *args, **kwargs)

        return checked_async if iscoroutinefunction(view) else checked  # type: ignore[return-value]

    return decorate


READ = ("GET", "HEAD")
