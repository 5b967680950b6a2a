cat > todo.sh <<'EOF'
#!/bin/sh
# A to-do list: one entry a line, "x " or "o " (done or open) before its text.
file=${TODO_FILE:-todo.txt}

usage() {
  echo 'usage: sh todo.sh add WORD... | list [--open] | done N' >&2
  exit 2
}

count() {
  if [ -f "$file" ]; then grep -c '' "$file"; else echo 0; fi
}

refuse() {
  printf 'no entry: %s\n' "$1" >&2
  exit 1
}

need_entry() {
  case $1 in '' | *[!0-9]*) refuse "$1" ;; esac
  [ "$1" -ge 1 ] && [ "$1" -le "$(count)" ] || refuse "$1"
}

list() {
  [ -f "$file" ] || return 0
  number=0
  while IFS= read -r line; do
    number=$((number + 1))
    case $line in
    x*) [ "$1" = all ] && printf '%d [x] %s\n' "$number" "${line#??}" ;;
    *) printf '%d [ ] %s\n' "$number" "${line#??}" ;;
    esac
  done <"$file"
  return 0
}

finish() {
  need_entry "$1"
  sed "$1s/^./x/" "$file" >"$file.new" && mv "$file.new" "$file"
  printf 'done %s: %s\n' "$1" "$(sed -n "$1s/^..//p" "$file")"
}

case ${1-} in
add)
  shift
  [ $# -gt 0 ] || usage
  printf 'o %s\n' "$*" >>"$file"
  printf 'added %d: %s\n' "$(count)" "$*"
  ;;
list)
  case $#/${2-} in
  1/) list all ;;
  2/--open) list open ;;
  *) usage ;;
  esac
  ;;
done)
  [ $# -eq 2 ] || usage
  finish "$2"
  ;;
*) usage ;;
esac
EOF
