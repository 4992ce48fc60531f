#!/bin/sh
# preview.sh COMMIT NUMBER: publish a commit as the preview of this pull request.
# A commit of a fork is not in the clone: the script ends before it builds one.
set -eu
cd /srv/preview/site
exec 9>/srv/preview/lock
flock 9  # one run at a time
git fetch --quiet origin
git checkout --quiet --force --detach "$1"
cd frontend
npm ci
npm run build -- --base=./
cd ..
. /srv/preview/env.sh
/srv/preview/venv/bin/python manage.py wx_deploy frontend/dist --using site --preview "pr-$2" --yes --strict --wait --json deploy.json
GITEE_PULL_ID=$2 /srv/preview/venv/bin/python ci_comment.py
