#!/bin/sh
# Writes requirements.lock anew: exact versions with hashes for every supported platform, no host named.
set -eu
cd "$(dirname "$0")/.."
set --
for package in packages/*; do
    name=$(basename "$package")
    [ "$name" = amparo ] || name=amparo-$name
    set -- "$@" --no-emit-package "$name"
done
exec uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --quiet \
    "$@" packages/*/pyproject.toml pyproject.toml --group dev -o requirements.lock
