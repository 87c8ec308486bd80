"""The pages of the console, in the order of its menu."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Page:
    """A page by its path and the word that the menu has for it."""

    path: str
    name: str

    def holds(self, path: str) -> bool:
        """Whether `path` is this page or one beneath it."""
        return path == self.path if self.path == "/" else path.startswith(self.path)


PAGES = (
    Page("/", "Home"),
    Page("/rooms/", "Rooms"),
    Page("/gather/", "Gather"),
    Page("/tour/", "Tour"),
    Page("/system/", "System"),
    Page("/admin/", "Admin"),
)
SIGN_IN = Page("/sign-in/", "Sign in")
