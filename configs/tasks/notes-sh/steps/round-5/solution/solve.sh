#!/bin/sh
cd /app && cat > add.part <<'END'
  add)
    case $2 in *[![:space:]]*) ;; *) echo "a note needs a text" >&2; exit 2 ;; esac
    printf ' %s\n' "$2" >> "$file"
    awk 'END { print NR }' "$file" ;;
  count)
    [ -f "$file" ] || { echo "0 open, 0 done"; exit 0; }
    awk '/^x/ { done++ } END { print NR - done " open, " done + 0 " done" }' "$file" ;;
END
sed '/^  add)/{
r add.part
d
}' notes.sh > notes.new && mv notes.new notes.sh && rm add.part
