#!/usr/bin/env bash
# A Slurm of two nodes on this machine alone, to try `reason-w2s submit` before a cluster does.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: launch/slurm_here.sh FOLDER COMMAND [ARGUMENT ...]

Starts Slurm's daemons on loopback, runs COMMAND with SLURM_CONF set, and stops the daemons when it
ends. Each of the two nodes is this machine with half its cores. State and logs stay in FOLDER.
Processes are not confined (no cgroups), GPUs are not known. Needs root, for slurmd, and Debian's
packages slurmctld slurmd slurm-client munge. SLURM_HERE_PORT: the first of three ports (26817).

example, jobs on two nodes and the wait for the last of them:
  launch/slurm_here.sh /tmp/slurm bash -c '
    reason-w2s submit recipes/quickstart.yaml --on launch/profiles/cpu.yaml
    while [ -n "$(squeue --noheader)" ]; do sleep 5; done'
TEXT
}

case ${1-} in
  -h | --help)
    usage
    exit 0
    ;;
esac
if [ $# -lt 2 ]; then
  usage >&2
  exit 2
fi

PATH=$PATH:/usr/sbin
for tool in munged slurmctld slurmd sbatch; do
  if ! command -v "$tool" >/dev/null; then
    printf 'slurm_here: %s is not installed; Debian: slurmctld slurmd slurm-client munge\n' "$tool" >&2
    exit 2
  fi
done

mkdir -p "$1"
folder=$(cd "$1" && pwd)
shift
chmod 755 "$folder"
mkdir -p "$folder"/{state,spool,log}
pids=()

# shellcheck disable=SC2317  # called by the trap
stop() {
  # jobs outlive the daemons
  if [ -n "$(timeout 5 squeue --noheader 2>/dev/null || true)" ]; then
    scancel --me || true
    sleep 5
  fi
  for pid in ${pids[@]+"${pids[@]}"}; do kill "$pid" 2>/dev/null || true; done
  wait
}
trap stop EXIT

host=$(hostname -s)
cores=$((($(nproc) + 1) / 2))
port=${SLURM_HERE_PORT:-26817}
export SLURM_CONF=$folder/slurm.conf
cat >"$SLURM_CONF" <<TEXT
ClusterName=here
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$folder/munge.socket,cred_expire=5
CredType=cred/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
ReturnToService=2
KillWait=15
MinJobAge=3600
SchedulerParameters=sched_interval=5,batch_sched_delay=1
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool/%n
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd-%n.pid
SlurmctldLogFile=$folder/log/slurmctld.log
SlurmdLogFile=$folder/log/slurmd-%n.log
NodeName=127.0.0.1 NodeHostname=$host NodeAddr=127.0.0.1 Port=$((port + 1)) CPUs=$cores
NodeName=127.0.0.2 NodeHostname=$host NodeAddr=127.0.0.2 Port=$((port + 2)) CPUs=$cores
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
TEXT

dd if=/dev/urandom of="$folder/munge.key" bs=1024 count=1 status=none
chmod 400 "$folder/munge.key"
munged --foreground --force --socket="$folder/munge.socket" --key-file="$folder/munge.key" \
  --log-file="$folder/log/munged.log" --pid-file="$folder/munged.pid" \
  --seed-file="$folder/munged.seed" 2>"$folder/log/munged.err" &
pids+=($!)
for _ in $(seq 50); do
  [ ! -S "$folder/munge.socket" ] || break
  sleep 0.1
done
slurmctld -D >"$folder/log/slurmctld.out" 2>&1 &
pids+=($!)
for node in 127.0.0.1 127.0.0.2; do
  mkdir -p "$folder/spool/$node"
  slurmd -D -N "$node" >"$folder/log/slurmd-$node.out" 2>&1 &
  pids+=($!)
done
for _ in $(seq 60); do
  [ "$(sinfo --noheader --states=idle --format=%D 2>/dev/null || true)" != 2 ] || break
  sleep 0.5
done
if [ "$(sinfo --noheader --states=idle --format=%D)" != 2 ]; then
  printf 'slurm_here: the nodes did not come up; see %s\n' "$folder/log" >&2
  exit 3
fi

code=0
"$@" || code=$?
exit "$code"
