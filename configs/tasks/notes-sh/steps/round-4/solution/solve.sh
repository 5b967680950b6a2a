#!/bin/sh
cd /app && cat > find.part <<'END'
  find)
    [ -f "$file" ] || exit 1
    WORD=$2 awk 'BEGIN { word = tolower(ENVIRON["WORD"]) }
      index(tolower(substr($0, 2)), word) { found = 1; print NR " [" substr($0, 1, 1) "] " substr($0, 2) }
      END { exit !found }' "$file" ;;
END
sed '/^  list)/{
r find.part
}' notes.sh > notes.new && mv notes.new notes.sh && rm find.part
