"""`manage seed_demo`: fill an empty stack; safe to run at every start, what exists is left as it is."""

import uuid
from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from accounts.models import User
from api.articles.models import Article, Tag
from api.demo.data import ARTICLES, LOGINS, ROOMS, DemoRoom
from chassis.management import jobs
from rooms.models import Membership, Message, Room


class Command(BaseCommand):
    """Creates the demo users, rooms and articles that are missing."""

    help = "Create the demo users, rooms and articles that are missing (needs DEMO=1)."

    def handle(self, *args: Any, **options: Any) -> None:
        """Wait until the tables are there (`DATABASE_WAIT_SECONDS`), then create all or nothing."""
        if not settings.DEMO:
            raise CommandError("DEMO is not set: the passwords of the demo users are public")
        jobs.wait_until(jobs.migrated, self.stdout.write)
        with transaction.atomic():
            self._seed()

    def _seed(self) -> None:
        users = {login.username: self._user(login) for login in LOGINS}
        for room in ROOMS:
            self._room(room, users)
        for article in ARTICLES:
            stored, created = Article.objects.get_or_create(
                slug=article.slug,
                defaults={
                    "title": article.title,
                    "body": article.body,
                    "author": users[article.author],
                    "published": True,
                },
            )
            if created:
                stored.tags.set([Tag.objects.get_or_create(name=name)[0] for name in article.tags])
        self.stdout.write(f"demo data: {len(users)} users, {len(ROOMS)} rooms, {len(ARTICLES)} articles")

    def _user(self, login: Any) -> User:
        existing = User.objects.filter(username=login.username).first()
        # Looked up before hashing: at every start but the first, this command should cost nothing.
        return existing or User.objects.create(
            username=login.username,
            email=f"{login.username}@example.org",
            password=make_password(login.password),
            is_staff=login.is_staff,
            is_superuser=login.is_staff,
        )

    def _room(self, demo: DemoRoom, users: dict[str, User]) -> None:
        room, created = Room.objects.get_or_create(
            name=demo.name, defaults={"title": demo.title, "public": demo.public, "last_seq": len(demo.history)}
        )
        if not created:
            return
        Membership.objects.bulk_create(Membership(room=room, user=users[name]) for name in demo.members)
        Message.objects.bulk_create(
            Message(
                room=room,
                seq=seq,
                sender=f"user:{users[username].pk}",
                username=username,
                user=users[username],
                client_id=uuid.uuid4(),
                body=body,
            )
            for seq, (username, body) in enumerate(demo.history, start=1)
        )
