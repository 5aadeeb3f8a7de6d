#!/usr/bin/env bash
# The main job from nothing, on this machine's CPU: set-up, then recipes/quickstart.yaml.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: launch/quickstart.sh [--seed S] [ARGUMENTS OF reason-w2s run]

Sets up, then runs recipes/quickstart.yaml for real on two CPU cores: builds a small procedural
world with its base models and weak teacher, samples the teacher's reasoning through vLLM, checks
and selects it, trains students through TRL, evaluates all of them and writes an HTML report.
A second call continues where the first stopped.

  --seed S    changes everything that is random (default 0)
  --runs DIR  where runs are kept (default: runs in this checkout)

Whatever else is given goes to `reason-w2s run`, e.g. --until STEP or steps.drawn.sample.sampling.n=4
TEXT
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
seed=(--seed 0)
runs=(--runs "${REASON_W2S_RUNS:-$root/runs}")
for argument in "$@"; do
  case $argument in
    -h | --help)
      usage
      exit 0
      ;;
    --seed | --seed=*) seed=() ;;
    --runs | --runs=*) runs=() ;;
  esac
done

printf '%s\n' "quickstart: sets up .venv, then makes a toy world, samples a weak teacher (vLLM)," \
  "trains students on its reasoning (TRL), evaluates them and writes a report." >&2
"$root/launch/setup.sh"
exec "${REASON_W2S_VENV:-$root/.venv}/bin/reason-w2s" run "$root/recipes/quickstart.yaml" \
  --on "$root/launch/profiles/cpu.yaml" \
  ${seed[@]+"${seed[@]}"} ${runs[@]+"${runs[@]}"} "$@"
