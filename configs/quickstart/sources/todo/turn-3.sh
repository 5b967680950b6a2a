sed -e '/^case \${1-} in$/,$d' -e 's/| done N/| done N | rm N | search TEXT/' todo.sh >todo.new
cat >>todo.new <<'EOF'
remove() {
  need_entry "$1"
  text=$(sed -n "$1s/^..//p" "$file")
  sed "$1d" "$file" >"$file.new" && mv "$file.new" "$file"
  printf 'removed %s: %s\n' "$1" "$text"
}

lower() {
  printf '%s' "$1" | tr '[:upper:]' '[:lower:]'
}

search() {
  wanted=$(lower "$1")
  found=1
  while IFS= read -r entry; do
    text=${entry#* \[?\] }
    # Quoted, the pattern stands for itself.
    case $(lower "$text") in
    *"$wanted"*)
      printf '%s\n' "$entry"
      found=0
      ;;
    esac
  done <<END
$(list all)
END
  return $found
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
done | rm | search)
  [ $# -eq 2 ] || usage
  case $1 in
  done) finish "$2" ;;
  rm) remove "$2" ;;
  search) search "$2" ;;
  esac
  ;;
*) usage ;;
esac
EOF
mv todo.new todo.sh
