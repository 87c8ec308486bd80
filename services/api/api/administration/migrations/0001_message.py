import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [("rooms", "0002_room_removals")]

    operations = [
        migrations.RunSQL(
            "CREATE VIEW administration_message AS"
            " SELECT room_id || '-' || seq AS id, room_id, seq, sender, username, body, created_at FROM rooms_message",
            "DROP VIEW administration_message",
        ),
        migrations.CreateModel(
            name="Message",
            fields=[
                ("id", models.CharField(max_length=41, primary_key=True, serialize=False)),
                ("seq", models.BigIntegerField()),
                ("sender", models.CharField(max_length=80)),
                ("username", models.CharField(max_length=150)),
                ("body", models.TextField()),
                ("created_at", models.DateTimeField()),
                (
                    "room",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.DO_NOTHING, related_name="+", to="rooms.room"
                    ),
                ),
            ],
            options={
                "managed": False,
                "constraints": [models.UniqueConstraint(fields=("room", "seq"), name="administration_message_once")],
            },
        ),
    ]
