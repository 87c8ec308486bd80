"""Paths of the console's pages."""

from api.console.home import urls as home
from api.console.system import urls as system
from api.console.tour import urls as tour

plain = [*home.plain, *tour.plain, *system.plain]
