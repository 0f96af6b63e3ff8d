"""Readings of many records at once."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("register", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="AccessPage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(choices=[("household", "Household"), ("individual", "Individual")], max_length=16),
                ),
                ("page", models.BigIntegerField()),
                ("bits", models.BinaryField(max_length=128)),
                (
                    "access",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.DO_NOTHING, related_name="pages", to="register.access"
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["kind", "page"], name="access_page")],
            },
        ),
    ]
