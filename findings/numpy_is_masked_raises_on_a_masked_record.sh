#!/usr/bin/env bash
# Expected of NumPy 2.4.6: numpy.ma.is_masked(x) answers True or False for every masked array, structured ones too, as
# its page says: it tells whether an array contains masked values.
#
# Seen: for a structured masked array it raises TypeError, whether a value is masked or not: it asks the mask for any(),
# and a mask of records has a truth value for every field, which NumPy does not make one of. Whoever asks whether an
# array that came from outside has masked values gets an error about iterators instead of an answer.
#
# Printed: "plain: True; records: TypeError: Iterator operand 1 dtype could not be cast from dtype([('cash', '?'),
# ('users', '?')]) to dtype('bool') according to the rule 'unsafe'"
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
import numpy as np

plain = np.ma.masked_array([1.0, 2.0], mask=[True, False])
records = np.ma.masked_array(
    np.zeros(2, dtype=[("cash", "f8"), ("users", "f8")]), mask=[(True, False), (False, False)]
)
assert np.ma.getmaskarray(records)["cash"].any()
try:
    answer = np.ma.is_masked(records)
except Exception as error:
    answer = f"{type(error).__name__}: {error}"
print(f"plain: {np.ma.is_masked(plain)}; records: {answer}")
assert np.ma.is_masked(plain) is True
assert isinstance(answer, str), answer
PY
