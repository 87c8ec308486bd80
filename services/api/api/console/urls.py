"""Paths of the console's pages."""

from api.console.gather import urls as gather
from api.console.home import urls as home
from api.console.rooms import urls as rooms
from api.console.sign_in import urls as sign_in
from api.console.system import urls as system
from api.console.tour import urls as tour

plain = [*home.plain, *rooms.plain, *gather.plain, *tour.plain, *system.plain, *sign_in.plain]
