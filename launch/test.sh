#!/usr/bin/env bash
# Everything that must hold before a change goes in: format, lint, types, tests.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: launch/test.sh [--all] [-- ARGUMENTS OF pytest]

Sets up, then runs ruff format --check, ruff check, mypy and pytest, and stops at the first that
fails. No network or GPU is used once the environment stands.

  --all   the slow tests too (what CI runs)

examples:
  ./launch/test.sh
  ./launch/test.sh -- tests/report -x
  ./launch/test.sh -- -n 0 --pdb tests/runs      one process, as a debugger needs
TEXT
}

slow=(-m "not slow")
while [ $# -gt 0 ]; do
  case $1 in
    --all) slow=() ;;
    -h | --help)
      usage
      exit 0
      ;;
    --)
      shift
      break
      ;;
    *)
      printf "test: unknown option '%s'; see launch/test.sh --help\n" "$1" >&2
      exit 2
      ;;
  esac
  shift
done

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
bin=${REASON_W2S_VENV:-$root/.venv}/bin

phase() {
  local name=$1 started=$SECONDS code=0
  shift
  printf '== %s\n' "$name"
  "$@" || code=$?
  if [ "$code" -ne 0 ]; then
    printf '== %s: FAILED (exit %d) after %d s\n' "$name" "$code" $((SECONDS - started))
    exit "$code"
  fi
  printf '== %s: ok, %d s\n' "$name" $((SECONDS - started))
}

phase set-up ./launch/setup.sh
phase format "$bin/ruff" format --check
phase lint "$bin/ruff" check
phase types "$bin/mypy"
# files are shared out between two processes: each opens engines and trainers of its own
phase tests env HF_HUB_OFFLINE=1 "$bin/python" -m pytest -n 2 --dist loadfile \
  --no-loadscope-reorder ${slow[@]+"${slow[@]}"} "$@"
printf '== all ok, %d s\n' "$SECONDS"
