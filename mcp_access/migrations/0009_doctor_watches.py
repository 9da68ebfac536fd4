from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("mcp_access", "0008_expiry_warnings")]

    operations = [
        migrations.AlterModelOptions(
            name="doctorwatch", options={"verbose_name_plural": "doctor watches"}
        )
    ]
