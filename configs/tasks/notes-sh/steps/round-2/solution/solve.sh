#!/bin/sh
cat > /app/notes.sh <<'END'
#!/bin/sh
# A line of the file is a mark (blank or x) and the text.
file=${NOTES_FILE:?}
case ${1:-} in
  add) printf ' %s\n' "$2" >> "$file" ;;
  done)
    last=$(awk 'END { print NR }' "$file" 2>/dev/null || echo 0)
    case $2 in ''|*[!0-9]*) echo "no note $2" >&2; exit 1 ;; esac
    [ "$2" -ge 1 ] && [ "$2" -le "${last:-0}" ] || { echo "no note $2" >&2; exit 1; }
    awk -v n="$2" 'NR == n { $0 = "x" substr($0, 2) } { print }' "$file" > "$file.new" && mv "$file.new" "$file" ;;
  list) [ -f "$file" ] && awk '{ print NR " [" substr($0, 1, 1) "] " substr($0, 2) }' "$file"; exit 0 ;;
  *) echo "usage: notes.sh add TEXT | done N | list" >&2; exit 2 ;;
esac
END
