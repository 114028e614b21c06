#!/bin/sh
# Builds dist/parrot-python.wasm. Makes its own Python environment beside it, once.
set -eu
cd "$(dirname "$0")"
wit=../../../wit/provider.wit
python="${WHARF_PYTHON_EXAMPLE_VENV:-.venv}/bin/python"
if ! "$python" -c 'import componentize_py' 2>/dev/null; then
  python3 -m venv --clear "$(dirname "$(dirname "$python")")"
  "$python" -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
fi
componentize="$(dirname "$python")/componentize-py"
rm -rf build
mkdir -p build dist
# The types that the tests run with; the component has its own.
"$componentize" -d "$wit" -w provider bindings build
if [ "${1:-}" = test ]; then
  PYTHONPATH=build:. exec "$python" -m unittest discover -s tests
fi
"$componentize" -d "$wit" -w provider componentize --stub-wasi -p . app -o dist/parrot-python.wasm
echo "dist/parrot-python.wasm"
