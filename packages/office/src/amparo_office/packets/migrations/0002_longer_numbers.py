from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("packets", "0001_initial")]

    operations = [
        migrations.AlterField("packet", "number", models.CharField(max_length=12, primary_key=True, serialize=False)),
        migrations.AlterField("packet", "successor", models.CharField(max_length=12, null=True, unique=True)),
    ]
