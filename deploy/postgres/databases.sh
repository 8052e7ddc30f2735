#!/bin/bash
# PostgreSQL's image runs this once, on an empty volume: a role and a database a service, and no way into another's.
set -e
database() {
    local password
    password=$(printenv "${1^^}_DATABASE_PASSWORD")
    psql --quiet --set ON_ERROR_STOP=1 --set name="$1" --set password="$password" \
        --username "${POSTGRES_USER:-postgres}" --dbname postgres <<'SQL'
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name";
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
SQL
}
for service in auth billing tasks notifier agent_runner; do database "$service"; done
psql --quiet --set ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname postgres \
    --command 'REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC'
