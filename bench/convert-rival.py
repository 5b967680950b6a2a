# What mini-vela's converter does with one log file, without Ray and without its files on the way: read, group by session, sort, its own
# deduplicate_and_mark, its own convert_completion_to_msg, write. Leaves out work the original does, adds none.
# python3 convert-rival.py CONVERT_DIR LOG OUT          (CONVERT_DIR: the folder `convert` of a clone of mini-vela)
import json
import sys
from collections import defaultdict

sys.path.insert(0, sys.argv[1])
from dedup import deduplicate_and_mark  # noqa: E402
from utils import Completion, convert_completion_to_msg  # noqa: E402

sessions = defaultdict(list)
with open(sys.argv[2], encoding="utf-8", errors="surrogatepass") as log:
    for line in log:
        call = Completion.from_dict(json.loads(line))
        sessions[call.session_id].append(call)
with open(sys.argv[3], "w", encoding="utf-8", errors="surrogatepass") as out:
    for calls in sessions.values():
        calls.sort(key=lambda call: call.request_time)
        for kept in deduplicate_and_mark(calls):
            # 3: the threshold its own script uses.
            row = convert_completion_to_msg(kept, 3)
            if row is not None:
                out.write(json.dumps(row, ensure_ascii=False) + "\n")
