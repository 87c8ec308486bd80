import django.db.models.functions.datetime
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("rooms", "0002_room_removals"),
    ]

    operations = [
        # Defaults of the database: code of the former release goes on making rooms without naming these columns.
        migrations.AddField(
            model_name="room",
            name="on_demand",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="room",
            name="used_at",
            field=models.DateTimeField(
                db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now
            ),
        ),
        migrations.AddIndex(
            model_name="room",
            index=models.Index(condition=models.Q(("on_demand", True)), fields=["used_at"], name="room_on_demand"),
        ),
    ]
