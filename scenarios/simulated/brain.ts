// Decides what the simulated model answers to a request. Pure: the same conversation, script, seed and state give the same plan.
// answer.ts turns the plan into a provider's answer, faults.ts spoils it on the wire; nothing here knows a protocol.

import { createHash } from 'node:crypto'
import type { Block, Conversation, Json } from '../../core/types.ts'
import { countCallsSince, type Instruction, listInstructions } from './instructions.ts'
import type { Fault, Pace, Rule, SimulatedScript, Step, StopReason, UsageOverride } from './script.ts'
import { defaultPace } from './script.ts'
import { fillShellInput, findShellTool } from './shell-tool.ts'
import { answerSideCall } from './side-calls.ts'

/** What the request alone does not say. */
export interface BrainState {
  /** How often the fault of each step has struck on this server, by `faultKey`. */
  readonly faultsStruck: ReadonlyMap<string, number>
}

export interface Plan {
  readonly blocks: readonly Block[]
  readonly stop: StopReason
  readonly usage: UsageOverride | null
  readonly pace: Pace
  readonly fault: Fault | null
  /** Where the plan comes from; -1 = no rule: the default answer, or a side call. */
  readonly rule: number
  readonly step: number
  /** Digest of seed and request: ids are made from it. */
  readonly digest: string
}

const emptyScript: SimulatedScript = { models: null, pace: defaultPace, rules: [] }
const finalText = 'Done. This is a simulated answer: no model was asked.'
const defaultSteps: readonly Step[] = [
  plainStep({ text: 'I look around first (simulated).', shell: 'pwd && ls' }),
  plainStep({ text: finalText }),
]

export function planAnswer(conversation: Conversation, script: SimulatedScript | null, seed: number, state: BrainState): Plan {
  const { pace, rules } = script ?? emptyScript
  const digest = digestRequest(conversation, seed)
  const sideText = answerSideCall(conversation)
  if (sideText !== null) {
    return {
      blocks: [{ kind: 'text', text: sideText }],
      stop: 'end_turn',
      usage: null,
      pace,
      fault: null,
      rule: -1,
      step: -1,
      digest,
    }
  }
  const instructions = listInstructions(conversation.messages)
  const newest = instructions.at(-1)
  const rule = rules.findIndex(candidate => matches(candidate, instructions, conversation.model))
  const steps = rules[rule]?.steps ?? defaultSteps
  const index = countCallsSince(conversation.messages, newest?.at ?? -1)
  const step = steps[index] ?? plainStep({ text: steps.findLast(one => one.text !== null)?.text ?? finalText })
  const blocks = writeBlocks(step, conversation, digest)
  const calls = blocks.some(block => block.kind === 'tool-call')
  return {
    blocks,
    stop: step.stop ?? (calls ? 'tool_use' : 'end_turn'),
    usage: step.usage,
    pace: { ...pace, ...step.pace },
    fault: pendingFault(step, faultKey(rule, index), state),
    rule,
    step: index,
    digest,
  }
}

/** Faults are counted per step of a rule. */
export function faultKey(rule: number, step: number): string {
  return `${rule}/${step}`
}

function pendingFault(step: Step, key: string, state: BrainState): Fault | null {
  if (step.fault === null || (state.faultsStruck.get(key) ?? 0) >= step.fault.times) return null
  return step.fault
}

function matches(rule: Rule, instructions: readonly Instruction[], model: string | null): boolean {
  const newest = instructions.at(-1)
  if (rule.when.model !== null && !rule.when.model.test(model ?? '')) return false
  if (newest === undefined) return rule.when.user === null && rule.when.feedback !== true && rule.when.nth === null
  if (!fits(rule, newest)) return false
  return rule.when.nth === null || instructions.filter(one => fits(rule, one)).length === rule.when.nth
}

/**
 * Feedback names failing tests, whose words may be those of another turn's instruction: so a pattern is tried on the task that
 * the feedback belongs to and on the feedback's first line, not on all of it.
 */
function fits({ when }: Rule, instruction: Instruction): boolean {
  if (when.feedback !== null && when.feedback !== instruction.feedback) return false
  if (when.user === null) return true
  if (when.user.test(instruction.task)) return true
  return instruction.feedback && when.user.test(instruction.text.split('\n', 1)[0] ?? '')
}

function writeBlocks(step: Step, conversation: Conversation, digest: string): Block[] {
  const blocks: Block[] = []
  if (step.thinking !== null) blocks.push({ kind: 'thinking', text: step.thinking })
  const calls = listCalls(step, conversation)
  const withoutShell = step.shell !== null && findShellTool(conversation.tools) === null
  const text =
    step.text ??
    (withoutShell && calls.length === 0 ? 'The simulated model would run a command, but no shell tool is offered.' : null)
  if (text !== null) blocks.push({ kind: 'text', text })
  for (const [index, call] of calls.entries()) {
    const id = `simulated_${digest.slice(0, 16)}_${index}`
    // Free text stands as it is; all other input is JSON.
    const inputText = typeof call.input === 'string' ? call.input : JSON.stringify(call.input)
    blocks.push({ kind: 'tool-call', id, name: call.name, input: call.input, inputText })
  }
  if (blocks.length === 0) blocks.push({ kind: 'text', text: finalText })
  return blocks
}

function listCalls(step: Step, conversation: Conversation): Array<{ readonly name: string; readonly input: Json }> {
  const calls: Array<{ readonly name: string; readonly input: Json }> = []
  const shell = step.shell === null ? null : findShellTool(conversation.tools)
  if (shell && step.shell !== null) calls.push({ name: shell.name, input: fillShellInput(shell, step.shell) })
  for (const call of step.tools) {
    const offered = conversation.tools.find(tool => tool.name.toLowerCase() === call.name.toLowerCase())
    calls.push({ name: offered?.name ?? call.name, input: call.input })
  }
  return calls
}

/** Whether the answer is streamed or not does not change what is answered. */
function digestRequest({ model, system, messages, tools }: Conversation, seed: number): string {
  return createHash('sha256')
    .update(JSON.stringify([seed, model, system, messages, tools]))
    .digest('hex')
}

function plainStep(content: { readonly text?: string; readonly shell?: string }): Step {
  return {
    thinking: null,
    text: content.text ?? null,
    shell: content.shell ?? null,
    tools: [],
    stop: null,
    usage: null,
    pace: {},
    fault: null,
  }
}
