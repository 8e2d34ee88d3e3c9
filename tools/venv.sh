#!/usr/bin/env bash
# Make a virtual environment and install into it: tools/venv.sh DIRECTORY PIP-ARGUMENTS...
#
# uv does it in seconds where it can. Where it cannot (it does not read pip's configuration), pip does it with the same
# arguments, so a machine on which pip works needs no setting for us. PYTHON names the interpreter, if it matters.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=$1
shift

python() {
  for candidate in ${PYTHON:-} python3 python python3.14 python3.13 python3.12 python3.11; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      command -v "$candidate"
      return
    fi
  done
  echo "crmsync needs Python 3.11 or newer, and found none; PYTHON=/path/to/python names one" >&2
  return 1
}

interpreter=$(python)
"$venv/bin/python" -c '' 2>/dev/null || "$interpreter" -m venv --clear "$venv" || uv venv --clear --python "$interpreter" --seed "$venv"
pip=("$venv/bin/python" -m pip --quiet --disable-pip-version-check)

uv=$(command -v uv || echo "$venv/bin/uv")
[ -x "$uv" ] || "${pip[@]}" install --constraint constraints.txt uv || echo "no uv for this machine; pip will do" >&2

index=${UV_DEFAULT_INDEX:-${PIP_INDEX_URL:-$("${pip[@]}" config get global.index-url 2>/dev/null || true)}}
export UV_DEFAULT_INDEX=${index:-} SSL_CERT_FILE=${SSL_CERT_FILE:-${PIP_CERT:-}}
[ -n "$UV_DEFAULT_INDEX" ] || unset UV_DEFAULT_INDEX
[ -n "$SSL_CERT_FILE" ] || unset SSL_CERT_FILE

"$uv" pip install --quiet --python "$venv/bin/python" --constraint constraints.txt "$@" || {
  echo "uv could not install; trying pip" >&2
  "${pip[@]}" install --upgrade pip    # dependency groups came with pip 25.1
  "${pip[@]}" install --constraint constraints.txt "$@"
}
