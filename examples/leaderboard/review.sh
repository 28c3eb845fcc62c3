#!/usr/bin/env bash
# Checks the submissions that this branch adds since a base, and answers in comment.md.
# Exit code 0: all are what they say; 1: something is not, or something else was changed.
set -euo pipefail
cd "$(dirname "$0")"
base=${1:-origin/main}
verdict=0
: >comment.md
beside=()
while IFS= read -r -d '' known; do
    case $known in
    submissions/*.harness.zip) [ -e "$known" ] && beside+=(--beside "$known") ;;
    esac
done < <(git ls-tree -r -z --name-only "$base")
while IFS= read -r -d '' file; do
    case $file in
    submissions/*/*) ;;
    submissions/*.harness.zip)
        if [ ! -e "$file" ]; then
            echo "\`$file\` was removed: that is a maintainer's to do." >>comment.md
            verdict=1
            continue
        fi
        printf '## %s\n\n' "${file#submissions/}" >>comment.md
        harness verify "$file" "${beside[@]}" --comment answer.md || verdict=1
        if [ -e answer.md ]; then
            cat answer.md >>comment.md
            rm answer.md
        else
            echo "This is no file of \`harness submit\`." >>comment.md
        fi
        continue
        ;;
    esac
    printf 'Only files `submissions/NAME.harness.zip` may be added by a submission, and `%q` is none.\n' \
        "$file" >>comment.md
    verdict=1
done < <(git diff -z --name-only "$base...HEAD")
exit $verdict
