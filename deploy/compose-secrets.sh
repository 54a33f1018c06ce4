#!/bin/sh
# Makes the secrets of compose.yaml, once: a password of the database, its URL, and the key of what is
# encrypted in it. Keep copies of them elsewhere.
set -eu

mkdir -m 700 secrets
password=$(openssl rand -hex 32)
printf %s "$password" > secrets/database-password
printf %s "postgresql://connector:$password@postgresql/connector" > secrets/database-url
openssl rand -base64 32 > secrets/secret-key
# Only root and whoever may enter the directory reads them here; in its container each service does.
chmod 444 secrets/*
