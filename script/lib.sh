# shellcheck shell=bash
# What `script/demo`, `script/test` and their like need before they can run: uv, the Python packages, the Temporal CLI.
# Nothing is fetched where it is here already, so once installed all of it works with no network.

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)"
VENV="$ROOT/.venv"

say() { printf '%s\n' "$*" >&2; }

fail() {
  say "$@"
  exit 1
}

# The same folder as starter/stack/cache.py uses.
cache_dir() {
  if [[ -n "${HOLD_CACHE_DIR:-}" ]]; then
    printf '%s\n' "$HOLD_CACHE_DIR"
  elif [[ "$(id -u)" == 0 ]]; then
    printf '/var/cache/service-holds\n'
  else
    printf '%s/service-holds\n' "${XDG_CACHE_HOME:-${HOME:?HOME is not set}/.cache}"
  fi
}

# Print a Python of version 3.11 or newer; fail where there is none.
find_python() {
  local candidate
  for candidate in python3 python3.{11..15} python; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
      command -v "$candidate"
      return 0
    fi
  done
  return 1
}

uv_works() { "$1" --version >/dev/null 2>&1; }

# Print a uv that runs: the one on PATH, else one of our own in the cache, installed with pip.
find_uv() {
  local cache python candidate
  if uv_works uv; then
    command -v uv
    return 0
  fi
  cache="$(cache_dir)"
  for candidate in "$cache/uv/bin/uv" "$cache/uv-packages/bin/uv"; do
    if uv_works "$candidate"; then
      printf '%s\n' "$candidate"
      return 0
    fi
  done
  python="$(find_python)" || fail 'Python 3.11 or newer is needed and was not found (neither was uv, which could get it).'
  say 'uv is not on this machine; installing it into the cache.'
  mkdir -p "$cache" || fail "The cache folder $cache can't be made; name another one in HOLD_CACHE_DIR."
  if "$python" -m venv "$cache/uv" >"$cache/uv.log" 2>&1 &&
    "$cache/uv/bin/python" -m pip install --quiet uv >>"$cache/uv.log" 2>&1; then
    printf '%s\n' "$cache/uv/bin/uv"
    return 0
  fi
  rm -rf "$cache/uv"
  if "$python" -m pip install --quiet --target "$cache/uv-packages" --upgrade uv >>"$cache/uv.log" 2>&1; then
    printf '%s\n' "$cache/uv-packages/bin/uv"
    return 0
  fi
  say "$(tail -n 5 "$cache/uv.log")"
  fail "uv could not be installed with $python: neither its venv nor its pip did it (see $cache/uv.log)." \
    'Install uv, or Python with venv and pip (Debian: apt-get install python3-venv).'
}

# What the installed packages are installed from: when this has not changed, there is nothing to install.
lock_stamp() { { printf '%s\n' "$ROOT"; cat "$ROOT/pyproject.toml" "$ROOT/uv.lock" "$ROOT/runtime/version.py"; } | cksum; }

# Run uv with the certificates that pip was told to trust, where uv was told nothing of its own.
run_uv() {
  if [[ -n "${PIP_CERT:-}" && -z "${SSL_CERT_FILE:-}" ]]; then
    SSL_CERT_FILE="$PIP_CERT" "$UV" "$@"
  else
    "$UV" "$@"
  fi
}

# Install the locked packages into .venv, unless they are there.
ensure_packages() {
  local stamp="$VENV/.installed" wanted
  wanted="$(lock_stamp)"
  if [[ -x "$VENV/bin/python" && -f "$stamp" && "$(<"$stamp")" == "$wanted" ]] &&
    "$VENV/bin/python" -c 'import temporalio' >/dev/null 2>&1; then
    return 0
  fi
  UV="$(find_uv)" || exit 1
  export PATH="$PATH:$(dirname "$UV")"
  say 'Installing the Python packages of uv.lock into .venv.'
  # The folder is named, so that an activated environment or UV_PROJECT_ENVIRONMENT elsewhere is left alone.
  if ! (cd "$ROOT" && UV_PROJECT_ENVIRONMENT="$VENV" run_uv sync --frozen --quiet --compile-bytecode --python '>=3.11'); then
    fail 'The Python packages could not be installed; what uv said stands above.' \
      'Needed are Python 3.11 or newer and, the first time, a way to the Python Package Index (or a mirror of it).'
  fi
  printf '%s\n' "$wanted" >"$stamp"
}

# Make the packages ready and leave PATH set for what runs next.
prepare_packages() {
  # Without byte code on disk every process compiles all that it imports: seconds for each start of each part.
  unset VIRTUAL_ENV PYTHONHOME PYTHONDONTWRITEBYTECODE
  ensure_packages
  export PATH="$VENV/bin:$PATH"
}

# The same for everything, and leave TEMPORAL_CLI set.
prepare() {
  prepare_packages
  TEMPORAL_CLI="$(cd "$ROOT" && "$VENV/bin/python" -m starter.stack.temporal_cli)" ||
    fail 'The Temporal CLI, which holds the Temporal server, is missing; the reason stands above.'
  export TEMPORAL_CLI
}

FAILED=()

# Run a command under a name; `verdict` tells what failed.
check() {
  local name="$1"
  shift
  printf '== %s\n' "$name"
  "$@" || FAILED+=("$name")
}

checks() {
  check 'ruff check' ruff check
  check 'ruff format' ruff format --check
  check 'import rules' lint-imports
  check 'mypy' mypy
}

# Run tests in this many processes at once.
tests() {
  python -m pytest --numprocesses "$1" --durations 20 "${@:2}"
}

verdict() {
  if ((${#FAILED[@]})); then
    printf 'Failed:'
    printf ' %s;' "${FAILED[@]}"
    printf '\n'
    exit 1
  fi
}
