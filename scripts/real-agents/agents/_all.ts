// Every real agent the script can drive, in the order of the table.

import type { RealAgent } from './_agent.ts'
import claude from './claude.ts'
import cline from './cline.ts'
import cn from './cn.ts'
import codex from './codex.ts'
import copilot from './copilot.ts'
import droid from './droid.ts'
import gemini from './gemini.ts'
import grok from './grok.ts'
import grokCli from './grok-cli.ts'
import kilo from './kilo.ts'
import kimi from './kimi.ts'
import opencode from './opencode.ts'
import pi from './pi.ts'
import qwen from './qwen.ts'

export const realAgents: readonly RealAgent[] = [
  claude,
  opencode,
  codex,
  qwen,
  gemini,
  kilo,
  kimi,
  pi,
  copilot,
  grok,
  cn,
  cline,
  droid,
  grokCli,
]
