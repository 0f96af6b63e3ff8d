"""The register's tables."""

from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def make_search_table(apps: Any, schema: BaseDatabaseSchemaEditor) -> None:
    """The blind index, without anything but its one ordered tree: no row numbers, no second index, no foreign key to check."""
    del apps
    ending = " WITHOUT ROWID" if schema.connection.vendor == "sqlite" else ""
    schema.execute(
        "CREATE TABLE register_searchkey (digest bigint NOT NULL, individual_id bigint NOT NULL,"
        f" PRIMARY KEY (digest, individual_id)){ending}"
    )


def drop_search_table(apps: Any, schema: BaseDatabaseSchemaEditor) -> None:
    """The reverse."""
    del apps
    schema.execute("DROP TABLE register_searchkey")


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="SearchKey",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "digest", "individual_id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("digest", models.BigIntegerField()),
                ("individual_id", models.BigIntegerField()),
            ],
            options={
                "db_table": "register_searchkey",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="KeyToDestroy",
            fields=[
                ("key", models.BigIntegerField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="Area",
            fields=[
                ("code", models.CharField(max_length=32, primary_key=True, serialize=False)),
                ("level", models.PositiveSmallIntegerField()),
                ("names", models.JSONField(default=dict)),
                (
                    "parent",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="children",
                        to="register.area",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Household",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("ref", models.CharField(max_length=16, unique=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("new", "New"),
                            ("validated", "Validated"),
                            ("paused", "Paused"),
                            ("left", "Left"),
                            ("merged", "Merged"),
                        ],
                        default="new",
                        max_length=16,
                    ),
                ),
                ("source_key", models.BinaryField(max_length=16, null=True, unique=True)),
                ("facts", models.JSONField(default=dict)),
                ("declared", models.JSONField(default=dict)),
                ("key", models.BigIntegerField(default=0)),
                ("sealed", models.BinaryField(null=True)),
                ("left_on", models.DateField(null=True)),
                ("version", models.PositiveIntegerField(default=1)),
                ("language", models.CharField(default="es", max_length=2)),
                ("by_phone", models.BooleanField(default=False)),
                (
                    "area",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="register.area"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Individual",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("ref", models.CharField(max_length=16, unique=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("new", "New"),
                            ("validated", "Validated"),
                            ("paused", "Paused"),
                            ("left", "Left"),
                            ("merged", "Merged"),
                        ],
                        default="new",
                        max_length=16,
                    ),
                ),
                ("source_key", models.BinaryField(max_length=16, null=True, unique=True)),
                ("facts", models.JSONField(default=dict)),
                ("declared", models.JSONField(default=dict)),
                ("key", models.BigIntegerField(default=0)),
                ("sealed", models.BinaryField(null=True)),
                ("left_on", models.DateField(null=True)),
                ("version", models.PositiveIntegerField(default=1)),
                (
                    "relationship",
                    models.CharField(
                        choices=[
                            ("HEAD", "Head"),
                            ("WIFE_HUSBAND", "Wife Husband"),
                            ("SON_DAUGHTER", "Son Daughter"),
                            ("MOTHER_FATHER", "Mother Father"),
                            ("BROTHER_SISTER", "Brother Sister"),
                            ("GRANDSON_GRANDDAUGHTER", "Grandson Granddaughter"),
                            ("GRANDMOTHER_GRANDFATHER", "Grandmother Grandfather"),
                            ("OTHER", "Other"),
                            ("NON_BENEFICIARY", "Non Beneficiary"),
                            ("UNKNOWN", "Unknown"),
                        ],
                        default="UNKNOWN",
                        max_length=32,
                    ),
                ),
                (
                    "birth_precision",
                    models.CharField(
                        choices=[
                            ("day", "Day"),
                            ("month", "Month"),
                            ("year", "Year"),
                            ("estimated", "Estimated"),
                            ("unknown", "Unknown"),
                        ],
                        default="unknown",
                        max_length=12,
                    ),
                ),
                ("searched", models.BinaryField(default=b"")),
                (
                    "household",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="members",
                        to="register.household",
                    ),
                ),
                (
                    "merged_into",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="merged",
                        to="register.individual",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Access",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                ("purpose", models.CharField(max_length=32)),
                ("kinds", models.JSONField(default=list)),
                ("refused", models.BooleanField(default=False)),
                ("everybody", models.BooleanField(default=False)),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "household",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="accesses",
                        to="register.household",
                    ),
                ),
                (
                    "individual",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="accesses",
                        to="register.individual",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Origin",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[("import", "Import"), ("desk", "Desk"), ("correction", "Correction")], max_length=16
                    ),
                ),
                ("source", models.CharField(max_length=200)),
                ("day", models.DateField()),
                ("content_hash", models.CharField(blank=True, default="", max_length=64)),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="individual",
            name="origin",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="register.origin"
            ),
        ),
        migrations.AddField(
            model_name="household",
            name="origin",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="register.origin"
            ),
        ),
        migrations.CreateModel(
            name="Change",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("version", models.PositiveIntegerField()),
                ("at", models.DateTimeField()),
                ("what", models.CharField(max_length=32)),
                ("fields", models.JSONField(default=list)),
                ("reason", models.CharField(blank=True, default="", max_length=200)),
                ("sealed", models.BinaryField(null=True)),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "household",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="changes",
                        to="register.household",
                    ),
                ),
                (
                    "individual",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="changes",
                        to="register.individual",
                    ),
                ),
                (
                    "origin",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="register.origin"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="CatalogueEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("entity", models.CharField(max_length=16)),
                ("name", models.CharField(max_length=64)),
                ("definition", models.TextField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("proposed", "Proposed"),
                            ("approved", "Approved"),
                            ("published", "Published"),
                            ("refused", "Refused"),
                        ],
                        default="proposed",
                        max_length=16,
                    ),
                ),
                ("at", models.DateTimeField()),
                ("log_index", models.PositiveBigIntegerField(null=True)),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("entity", "name"), name="fact_once")],
            },
        ),
        migrations.CreateModel(
            name="Collector",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(choices=[("primary", "Primary"), ("alternate", "Alternate")], max_length=16)),
                (
                    "household",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="collectors", to="register.household"
                    ),
                ),
                (
                    "individual",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="collects_for",
                        to="register.individual",
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("household", "kind"), name="collector_once")],
            },
        ),
        migrations.AddConstraint(
            model_name="individual",
            constraint=models.UniqueConstraint(
                condition=models.Q(("relationship", "HEAD"), ("state__in", ["new", "validated", "paused"])),
                fields=("household",),
                name="one_head",
            ),
        ),
        migrations.AddIndex(
            model_name="household",
            index=models.Index(fields=["area", "id"], name="household_area"),
        ),
        migrations.AddIndex(
            model_name="household",
            index=models.Index(fields=["state", "id"], name="household_state"),
        ),
        migrations.RunPython(make_search_table, drop_search_table),
    ]
