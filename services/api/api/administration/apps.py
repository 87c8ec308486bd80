"""The Django apps: Django's own admin, with our site as its default, and what belongs to it here."""

from django.apps import AppConfig
from django.contrib.admin.apps import SimpleAdminConfig


class SiteConfig(SimpleAdminConfig):
    """Django's admin without its search for `admin` modules: `urls.py` imports what is registered."""

    default_site = "api.administration.site.Site"


class AdministrationConfig(AppConfig):
    """The view of the messages."""

    name = "api.administration"
    label = "administration"
    verbose_name = "Messages"
