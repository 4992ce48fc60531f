
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('wx_static_store', '0001_initial'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='uploadlog',
            options={'default_permissions': ('view',), 'ordering': ('-id',), 'permissions': (('upload', 'Can upload files to the public site'), ('upload_active_content', 'Can upload HTML, scripts and other active content'), ('replace', 'Can replace a published file'), ('replace_protected', 'Can replace protected files, such as domain verification'), ('retry', 'Can upload a file again'), ('diagnose', 'Can ask what WeChat received')), 'verbose_name': 'upload', 'verbose_name_plural': 'uploads'},
        ),
        migrations.CreateModel(
            name='Account',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('platform', models.CharField(max_length=64, verbose_name='appid of the platform')),
                ('appid', models.CharField(max_length=64, verbose_name='appid')),
                ('withdrawn', models.BooleanField(default=False, verbose_name='authorization withdrawn')),
                ('changed', models.DateTimeField(verbose_name='changed')),
            ],
            options={
                'verbose_name': 'account',
                'verbose_name_plural': 'accounts',
                'ordering': ('appid',),
                'default_permissions': (),
                'constraints': [models.UniqueConstraint(fields=('platform', 'appid'), name='wx_account_once')],
            },
        ),
        migrations.CreateModel(
            name='Fact',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('subject', models.CharField(blank=True, max_length=64, verbose_name='subject')),
                ('name', models.CharField(max_length=64, verbose_name='fact')),
                ('value', models.CharField(max_length=255, verbose_name='value')),
                ('learned', models.DateTimeField(verbose_name='learned')),
            ],
            options={
                'verbose_name': 'fact',
                'verbose_name_plural': 'facts',
                'ordering': ('subject', 'name'),
                'permissions': (('view_health', 'Can see the health of the platform'),),
                'default_permissions': (),
                'constraints': [models.UniqueConstraint(fields=('subject', 'name'), name='wx_fact_once')],
            },
        ),
    ]
