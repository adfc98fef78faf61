# usage: sh compress.sh TOOL LEVEL [OPTION]
# Compresses the licence of this project, and writes how many bytes are left into the trial's folder.
set -eu
size=$("$1" "-$2" ${3:-} < ../../LICENSE | wc -c)
echo "bytes is $size" > "$TUNESMITH_TRIAL_DIR/result.txt"
