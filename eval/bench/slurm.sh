#!/usr/bin/env bash
# `submit` on a real Slurm: a sampling in two parts against a slow endpoint, under a time limit of two
# minutes, the process of one part killed once. What came out is in eval/baselines/slurm.txt.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: eval/bench/slurm.sh FOLDER

Writes a recipe, its problems, a profile and a slow endpoint into FOLDER, starts a Slurm of two nodes
there (launch/slurm_here.sh: needs root and Debian's Slurm), submits, kills the sampling process of
part 1 once, and shows the queue as it changes, then the logs. About four minutes, little work.
TEXT
}

case ${1-} in
  -h | --help | "")
    usage
    exit 0
    ;;
esac
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export PATH=${REASON_W2S_VENV:-$root/.venv}/bin:$PATH
export PYTHONPATH=$root${PYTHONPATH:+:$PYTHONPATH}
mkdir -p "$1"
cd "$1"

for n in $(seq 80); do
  printf '{"id": "p%d", "question": "What is %d + 1?", "answer": "%d"}\n' "$n" "$n" "$((n + 1))"
done >data.jsonl
cat >small.yaml <<'TEXT'
# Draw from an endpoint, grade, choose.
name: small
models:
  weak: {path: "http://127.0.0.1:18124/v1", served: slow, prompt: qa}
problems:
  train: {source: jsonl, file: data.jsonl}
steps:
  drawn: {sample: {model: weak, of: train, sampling: {n: 2, max_tokens: 64}}}
  graded: {check: {of: drawn, kind: number}}
  chosen: {select: {of: graded, where: {graded.correct: true}}}
TEXT
cat >here.yaml <<'TEXT'
isolate: step
engine: {server: {concurrency: 2, fields: openai}}
slurm: {time: 2, grace_s: 60, requeues: 6, parts: 2, part_traces: 10}
TEXT
cat >endpoint.py <<'TEXT'
import json, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Slow(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def say(self, data):
        body = json.dumps(data).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        self.say({"data": [{"id": "slow", "owned_by": "me", "max_model_len": 4096}]})
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        time.sleep(2)
        with open("answers.log", "a") as stream:
            stream.write(f"{asked['seed']}\n")
        text = f" The answer is {asked['seed'] % 100}"
        usage = {"prompt_tokens": 5, "completion_tokens": 6}
        try:
            self.say({"choices": [{"text": text, "finish_reason": "stop", "index": 0}], "usage": usage})
        except BrokenPipeError:
            pass
    def log_message(self, *_):
        pass

ThreadingHTTPServer(("127.0.0.1", 18124), Slow).serve_forever()
TEXT
cat >drive.sh <<'TEXT'
set -u
python endpoint.py & endpoint=$!
run() { echo "\$ reason-w2s $*"; python -m reason_w2s.cli "$@"; }
of_part_1() {
  tr '\0' '\n' 2>/dev/null <"/proc/$1/environ" | grep -c -e '^SLURM_ARRAY_TASK_ID=1$' \
    -e "^SLURM_CONF=$SLURM_CONF\$"
}
run submit small.yaml --on here.yaml
killed='' last=''
while [ -n "$(squeue --noheader)" ]; do
  now=$(squeue --array --noheader --format="%.10i %.16j %.10T %.12r %.10N")
  if [ "$now" != "$last" ]; then date +%T; echo "$now"; last=$now; fi
  if [ -z "$killed" ] && [ -s answers.log ]; then
    for one in $(pgrep -f reason_w2s.runs.worker); do
      if [ "$(of_part_1 "$one")" = 2 ]; then
        sleep 8
        echo "kill -9: the sampling process of part 1"
        kill -9 "$one" && killed=1
        break
      fi
    done
  fi
  sleep 1
done
run status small.yaml --on here.yaml
for log in runs/small/jobs/*.log; do echo "== $log"; cat "$log"; done
echo "answers given: $(wc -l <answers.log), different: $(sort -u answers.log | wc -l)"
kill "$endpoint"
TEXT
rm -rf runs answers.log
"$root/launch/slurm_here.sh" slurm bash drive.sh
