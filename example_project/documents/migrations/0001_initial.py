from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Document",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("title", models.CharField(max_length=120)),
                ("description", models.TextField(blank=True)),
                (
                    "file",
                    models.FileField(
                        help_text="Public at once: everybody who has the address can read it.",
                        max_length=255,
                        upload_to="documents",
                    ),
                ),
                (
                    "image",
                    models.ImageField(
                        help_text="Public at once: everybody who has the address can read it.",
                        max_length=255,
                        upload_to="images",
                    ),
                ),
                ("created", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ("-created", "-id"),
            },
        ),
    ]
