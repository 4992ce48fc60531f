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
                ("title", models.CharField(max_length=120, verbose_name="title")),
                ("description", models.TextField(blank=True, verbose_name="description")),
                (
                    "file",
                    models.FileField(
                        help_text="Public at once: everybody who has the address can read it.",
                        max_length=255,
                        upload_to="documents",
                        verbose_name="file",
                    ),
                ),
                (
                    "image",
                    models.ImageField(
                        help_text="Public at once: everybody who has the address can read it.",
                        max_length=255,
                        upload_to="images",
                        verbose_name="image",
                    ),
                ),
                ("created", models.DateTimeField(auto_now_add=True, verbose_name="published")),
            ],
            options={
                "verbose_name": "document",
                "verbose_name_plural": "documents",
                "ordering": ("-created", "-id"),
            },
        ),
    ]
