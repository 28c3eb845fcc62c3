#!/usr/bin/env bash
# Checks the submissions that this branch adds since a base, and answers in comment.md.
# Exit code 0: all are what they say; 1: something is not, or something else was changed.
set -euo pipefail
cd "$(dirname "$0")"
base=$(git rev-parse --verify "${1:-origin/main}^{commit}")
lists=$(mktemp -d)
trap 'rm -rf "$lists"' EXIT
git ls-tree -r -z --name-only "$base" >"$lists/known"
# A renamed file is one that was removed and one that was added.
git diff -z --no-renames --name-only --diff-filter=A "$base...HEAD" >"$lists/added"
git diff -z --no-renames --name-only --diff-filter=a "$base...HEAD" >"$lists/changed"
verdict=0
: >comment.md
beside=()
while IFS= read -r -d '' known; do
    case $known in
    submissions/*.harness.zip) [ -e "$known" ] && beside+=(--beside "$known") ;;
    esac
done <"$lists/known"
refuse() {
    printf 'A submission adds files `submissions/NAME.harness.zip` and changes nothing else: `%q` is %s.\n' \
        "$1" "$2" >>comment.md
    verdict=1
}
while IFS= read -r -d '' file; do
    refuse "$file" "there already"
done <"$lists/changed"
while IFS= read -r -d '' file; do
    case $file in
    submissions/*/*) refuse "$file" "none" ;;
    submissions/*.harness.zip)
        printf '## %s\n\n' "${file#submissions/}" >>comment.md
        harness verify "$file" ${beside[@]+"${beside[@]}"} --comment answer.md || verdict=1
        if [ -e answer.md ]; then
            cat answer.md >>comment.md
            rm answer.md
        else
            echo "This is no file of \`harness submit\`." >>comment.md
        fi
        ;;
    *) refuse "$file" "none" ;;
    esac
done <"$lists/added"
exit $verdict
