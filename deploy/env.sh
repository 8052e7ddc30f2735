#!/bin/sh
# env.sh [FILE]: writes what `docker compose up` needs into .env, secrets made here and now. What is there stays; what
# `make up` made before is taken over, because both read .env.
set -eu
umask 077
file=${1:-.env}
before="${DATA_DIR:-data}/secrets.env"
touch "$file"
if [ -n "$(tail -c 1 "$file")" ]; then echo >> "$file"; fi

hex() { od -An -v -N "$1" -t x1 /dev/urandom | tr -d ' \n'; }
key() { head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '\n'; }
have() {
    if grep -q "^$1=." "$file"; then return; fi
    if [ -f "$before" ]; then old=$(sed -n "s/^$1=//p" "$before"); else old=; fi
    printf '%s=%s\n' "$1" "${old:-$2}" >> "$file"
    added="$added $1"
}

added=
have ADMIN_API_KEY "$(hex 32)"
have METRICS_KEY "$(hex 32)"
have AUTH_PASSWORD_PEPPER "$(hex 32)"
have LINK_SEALING_KEY "$(key)"
have BILLING_SEALING_KEY "$(key)"
have BLOBS_LINK_SECRET "$(hex 32)"
have STRIPE_SECRET_KEY "sk_test_emulated_$(hex 16)"
have STRIPE_WEBHOOK_SECRET "whsec_$(hex 24)"
have POSTGRES_PASSWORD "$(hex 24)"
for service in AUTH BILLING TASKS NOTIFIER AGENT_RUNNER; do have "${service}_DATABASE_PASSWORD" "$(hex 24)"; done
have RABBITMQ_PASSWORD "$(hex 24)"
have AWS_ACCESS_KEY_ID "$(hex 10)"
have AWS_SECRET_ACCESS_KEY "$(hex 24)"
have OPENCLAW_TOKEN "$(hex 32)"
echo "$file:${added:- nothing was missing}"
