#!/bin/sh
cat > /app/notes.sh <<'END'
#!/bin/sh
file=${NOTES_FILE:?}
case ${1:-} in
  add) printf ' %s\n' "$2" >> "$file" ;;
  list) [ -f "$file" ] && awk '{ print NR " " substr($0, 2) }' "$file"; exit 0 ;;
  *) echo "usage: notes.sh add TEXT | list" >&2; exit 2 ;;
esac
END
