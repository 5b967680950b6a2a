# Cases of every round up to $1. Each runs the program as a process of its own, on a file of its own.
round=$1
total=0
passed=0
box=/logs/verifier/box
mkdir -p "$box"

notes() { NOTES_FILE=$file sh /app/notes.sh "$@" 2>/dev/null; }
fresh() { file=$box/notes.$((total + 1)); }
quote() { printf '%s' "$1" | tr '\n' '|' | sed 's/[\\"$`]/\\&/g'; }

# check ID ORIGIN TYPE INTENT EXPECTED ACTUAL
check() {
  total=$((total + 1))
  if [ "$5" = "$6" ]; then status=success reason=; passed=$((passed + 1)); else status=fail reason="not what was asked for"; fi
  printf 'CASE_RESULT case_id=%s origin_step=round-%s requirement_ref=round-%s case_type=%s status=%s intent="%s" scenario="" input="" expected="%s" actual="%s" failure_reason="%s"\n' \
    "$1" "$2" "$2" "$3" "$status" "$(quote "$4")" "$(quote "$5")" "$(quote "$6")" "$reason"
}

open_mark= done_mark=
if [ "$round" -ge 2 ]; then open_mark='[ ] ' done_mark='[x] '; fi
all=list
if [ "$round" -ge 3 ]; then all='list --all'; fi

fresh; check list-empty 1 functional "no notes, nothing printed" "0" "$(notes list; echo $?)"
fresh; notes add "buy milk" >/dev/null; notes add "call Ann" >/dev/null
check list-two 1 functional "notes are numbered in order" "1 ${open_mark}buy milk
2 ${open_mark}call Ann" "$(notes list)"
fresh; notes add 'a  b * $HOME "q"' >/dev/null
check text-kept 1 robustness "a text is kept as it is" "1 ${open_mark}"'a  b * $HOME "q"' "$(notes list)"
fresh; notes frob >/dev/null; check unknown 1 negative "an unknown command exits 2" 2 $?
if [ "$round" -lt 5 ]; then
  fresh; check add-silent 1 functional "add prints nothing" "" "$(notes add x)"
fi
if [ "$round" -ge 2 ]; then
  fresh; notes add a >/dev/null; notes add b >/dev/null; notes done 1
  check done-marked 2 functional "a done note has its mark" "1 ${done_mark}a
2 ${open_mark}b" "$(notes $all)"
  fresh; notes add a >/dev/null; notes done 7 >/dev/null; check done-unknown 2 negative "no such note exits 1" 1 $?
fi
if [ "$round" -ge 3 ]; then
  fresh; notes add a >/dev/null; notes add b >/dev/null; notes done 1
  check list-open 3 functional "list shows open notes under their numbers" "2 [ ] b" "$(notes list)"
fi
if [ "$round" -ge 4 ]; then
  fresh; notes add "Milk and Bread" >/dev/null; notes add "call" >/dev/null; notes add "more MILK." >/dev/null; notes done 3
  check find-any-case 4 functional "find does not look at case" "1 [ ] Milk and Bread
3 [x] more MILK." "$(notes find milk)"
  check find-plain 4 robustness "a full stop is a full stop" "3 [x] more MILK." "$(notes find .)"
  notes find nothing >/dev/null; check find-none 4 negative "nothing found exits 1" 1 $?
fi
if [ "$round" -ge 5 ]; then
  fresh; check add-number 5 functional "add prints the number" "1
2" "$(notes add a; notes add b)"
  fresh; notes add "  " >/dev/null; check add-blank 5 negative "a blank text exits 2" "2 " "$? $(notes list)"
  fresh; check count-empty 5 functional "count without notes" "0 open, 0 done" "$(notes count)"
  notes add a >/dev/null; notes add b >/dev/null; notes add c >/dev/null; notes done 2
  check count 5 functional "count of both" "2 open, 1 done" "$(notes count)"
fi

rm -rf "$box"
echo "CASE_SUMMARY total_cases=$total success_count=$passed fail_count=$((total - passed))"
if [ "$passed" = "$total" ]; then echo 1; else echo 0; fi > /logs/verifier/reward.txt
