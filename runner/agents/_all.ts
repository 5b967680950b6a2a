// Every agent there is. Adding one is one file and one line here.

import { TurnpikeError } from '../../core/errors.ts'
import { didYouMean } from '../../core/suggest.ts'
import type { AgentAdapter } from './_adapter.ts'
import aider from './aider.ts'
import claudeCode from './claude-code.ts'
import cline from './cline.ts'
import cn from './cn.ts'
import codex from './codex.ts'
import command from './command.ts'
import copilot from './copilot.ts'
import droid from './droid.ts'
import geminiCli from './gemini-cli.ts'
import grok from './grok.ts'
import kilo from './kilo.ts'
import kimi from './kimi.ts'
import mini from './mini.ts'
import miniSweAgent from './mini-swe-agent.ts'
import nop from './nop.ts'
import opencode from './opencode.ts'
import openhands from './openhands.ts'
import oracle from './oracle.ts'
import pi from './pi.ts'
import qwenCode from './qwen-code.ts'
import terminus from './terminus.ts'
import vibe from './vibe.ts'

export const agents: readonly AgentAdapter[] = [
  ...[mini, terminus, command, oracle, nop],
  ...[claudeCode, codex, opencode, qwenCode, geminiCli, kilo, kimi, pi, copilot, grok, cn, cline, droid],
  ...[vibe, miniSweAgent, openhands, aider],
]

export function findAgent(id: string): AgentAdapter {
  const found = agents.find(agent => agent.id === id)
  if (found) return found
  const known = agents.map(agent => agent.id)
  throw new TurnpikeError('E_AGENT_UNKNOWN', `unknown agent "${id}"; known agents: ${known.join(', ')}${didYouMean(id, known)}`)
}
