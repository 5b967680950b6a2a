cat > todo.sh <<'EOF'
#!/bin/sh
# A to-do list: one entry a line.
file=${TODO_FILE:-todo.txt}

usage() {
  echo 'usage: sh todo.sh add WORD... | list' >&2
  exit 2
}

count() {
  if [ -f "$file" ]; then grep -c '' "$file"; else echo 0; fi
}

case ${1-} in
add)
  shift
  [ $# -gt 0 ] || usage
  printf '%s\n' "$*" >>"$file"
  printf 'added %d: %s\n' "$(count)" "$*"
  ;;
list)
  [ $# -eq 1 ] || usage
  [ -f "$file" ] || exit 0
  number=0
  while IFS= read -r text; do
    number=$((number + 1))
    printf '%d %s\n' "$number" "$text"
  done <"$file"
  ;;
*) usage ;;
esac
EOF
