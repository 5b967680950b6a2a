// The rules of ATIF 1.0 to 1.7, each as a check of its own: what a document breaks, by path. Written from the format's description,
// sharing nothing with the writer or its schema.

type Value = unknown
type Fields = Record<string, Value>

const versions = ['1.0', '1.1', '1.2', '1.3', '1.4', '1.5', '1.6', '1.7'].map(number => `ATIF-v${number}`)

interface Context {
  readonly problems: string[]
  readonly version: number
}

export function findProblems(document: Value): string[] {
  const problems: string[] = []
  checkTrajectory(document, '$', problems, false)
  return problems
}

const isFields = (value: Value): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value)

/** `name!` = required; the first version a field exists in, where that is not 1.0. */
function checkKeys(
  value: Value,
  path: string,
  { problems, version }: Context,
  keys: Record<string, [string, number?]>,
): value is Fields {
  if (!isFields(value)) {
    problems.push(`${path}: must be an object`)
    return false
  }
  for (const key of Object.keys(value)) {
    const known = keys[key] ?? keys[`${key}!`]
    if (known === undefined) problems.push(`${path}.${key}: unknown key`)
    else if ((known[1] ?? 0) > version) problems.push(`${path}.${key}: needs version 1.${known[1]}`)
  }
  for (const [name, [type]] of Object.entries(keys)) {
    const key = name.replace('!', '')
    const field = value[key]
    if (field === undefined || field === null) {
      if (name.endsWith('!')) problems.push(`${path}.${key}: missing`)
    } else if (!isOf(type, field)) problems.push(`${path}.${key}: must be ${type}`)
  }
  return true
}

function isOf(type: string, value: Value): boolean {
  if (type === 'list') return Array.isArray(value)
  if (type === 'map') return isFields(value)
  if (type === 'whole') return Number.isSafeInteger(value)
  if (type === 'count') return Number.isSafeInteger(value) && (value as number) >= 0
  if (type === 'numbers') return Array.isArray(value) && value.every(item => typeof item === 'number')
  if (type === 'ids') return Array.isArray(value) && value.every(item => Number.isSafeInteger(item))
  if (type === 'maps') return Array.isArray(value) && value.every(isFields)
  if (type === 'any') return true
  return type.split('|').some(one => typeof value === one)
}

function listOf(value: Value): Value[] {
  return Array.isArray(value) ? value : []
}

function checkTrajectory(value: Value, path: string, problems: string[], embedded: boolean): void {
  const named = isFields(value) ? String(value['schema_version']) : ''
  const version = versions.indexOf(named)
  if (version < 0) problems.push(`${path}.schema_version: no such version`)
  const context = { problems, version: version < 0 ? 7 : version }
  const keys: Record<string, [string, number?]> = {
    'schema_version!': ['string'],
    [version < 7 && version >= 0 ? 'session_id!' : 'session_id']: ['string'],
    [embedded ? 'trajectory_id!' : 'trajectory_id']: ['string', 7],
    'agent!': ['map'],
    'steps!': ['list'],
    notes: ['string'],
    final_metrics: ['map'],
    continued_trajectory_ref: ['string'],
    subagent_trajectories: ['list', 7],
    extra: ['map', 1],
  }
  if (!checkKeys(value, path, context, keys)) return
  checkAgent(value['agent'], `${path}.agent`, context)
  const steps = listOf(value['steps'])
  if (steps.length === 0) problems.push(`${path}.steps: needs at least one`)
  const children = listOf(value['subagent_trajectories'])
  const ids = children.map(child => (isFields(child) ? child['trajectory_id'] : undefined))
  for (const [index, step] of steps.entries()) checkStep(step, `${path}.steps[${index}]`, context, { number: index + 1, ids })
  if (value['final_metrics'] !== undefined)
    checkKeys(value['final_metrics'], `${path}.final_metrics`, context, {
      total_prompt_tokens: ['whole'],
      total_completion_tokens: ['whole'],
      total_cached_tokens: ['whole'],
      total_cost_usd: ['number'],
      total_steps: ['count'],
      extra: ['map'],
    })
  for (const [index, child] of children.entries()) {
    if (ids.indexOf(ids[index]) !== index) problems.push(`${path}.subagent_trajectories[${index}]: id is not unique`)
    checkTrajectory(child, `${path}.subagent_trajectories[${index}]`, problems, true)
  }
}

function checkAgent(value: Value, path: string, context: Context): void {
  checkKeys(value, path, context, {
    'name!': ['string'],
    'version!': ['string'],
    model_name: ['string'],
    tool_definitions: ['maps', 5],
    extra: ['map'],
  })
}

interface Place {
  readonly number: number
  /** Of the trajectories embedded beside the steps. */
  readonly ids: readonly Value[]
}

const agentOnly = ['model_name', 'reasoning_effort', 'reasoning_content', 'tool_calls', 'metrics']

function checkStep(value: Value, path: string, context: Context, { number, ids }: Place): void {
  const { problems, version } = context
  const keys: Record<string, [string, number?]> = {
    'step_id!': ['whole'],
    timestamp: ['string'],
    'source!': ['string'],
    'message!': ['string|object'],
    model_name: ['string'],
    reasoning_effort: ['string|number'],
    reasoning_content: ['string'],
    tool_calls: ['list'],
    observation: ['map'],
    metrics: ['map'],
    is_copied_context: ['boolean'],
    llm_call_count: ['count', 7],
    extra: ['map'],
  }
  if (!checkKeys(value, path, context, keys)) return
  if (value['step_id'] !== number) problems.push(`${path}.step_id: must be ${number}`)
  const { source, timestamp } = value
  if (!['system', 'user', 'agent'].includes(String(source))) problems.push(`${path}.source: must be system, user or agent`)
  if (typeof timestamp === 'string' && !isMoment(timestamp)) problems.push(`${path}.timestamp: no ISO 8601 moment`)
  const given = (key: string): boolean => value[key] !== undefined && value[key] !== null
  if (source !== 'agent')
    for (const key of agentOnly) if (given(key)) problems.push(`${path}.${key}: only for steps of the agent`)
  if (source === 'system' && version < 2 && given('observation')) problems.push(`${path}.observation: needs version 1.2`)
  if (source === 'agent' && value['llm_call_count'] === 0)
    for (const key of ['metrics', 'reasoning_content']) if (given(key)) problems.push(`${path}.${key}: no model was called`)
  checkContent(value['message'], `${path}.message`, context)
  const calls = listOf(value['tool_calls'])
  for (const [index, call] of calls.entries())
    checkKeys(call, `${path}.tool_calls[${index}]`, context, {
      'tool_call_id!': ['string'],
      'function_name!': ['string'],
      'arguments!': ['map'],
      extra: ['map', 7],
    })
  const callIds = calls.map(call => (isFields(call) ? call['tool_call_id'] : undefined))
  if (given('observation')) checkObservation(value['observation'], `${path}.observation`, context, { callIds, ids })
  if (given('metrics')) checkMetrics(value['metrics'], `${path}.metrics`, context)
}

function isMoment(text: string): boolean {
  return /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?$/.test(text) && !Number.isNaN(Date.parse(text))
}

function checkObservation(
  value: Value,
  path: string,
  context: Context,
  known: { callIds: Value[]; ids: readonly Value[] },
): void {
  if (!checkKeys(value, path, context, { 'results!': ['list'] })) return
  for (const [index, result] of listOf(value['results']).entries()) {
    const at = `${path}.results[${index}]`
    const keys: Record<string, [string, number?]> = {
      source_call_id: ['string'],
      content: ['string|object'],
      subagent_trajectory_ref: ['list'],
      extra: ['map', 7],
    }
    if (!checkKeys(result, at, context, keys)) continue
    const { source_call_id: source, content } = result
    if (source !== undefined && source !== null && !known.callIds.includes(source))
      context.problems.push(`${at}.source_call_id: no call of this step`)
    if (content !== undefined && content !== null) checkContent(content, `${at}.content`, context)
    for (const [number, reference] of listOf(result['subagent_trajectory_ref']).entries())
      checkReference(reference, `${at}.subagent_trajectory_ref[${number}]`, context, known.ids)
  }
}

function checkReference(value: Value, path: string, context: Context, ids: readonly Value[]): void {
  const { problems, version } = context
  const keys: Record<string, [string, number?]> = {
    trajectory_id: ['string', 7],
    trajectory_path: ['string'],
    [version < 7 ? 'session_id!' : 'session_id']: ['string'],
    extra: ['map'],
  }
  if (!checkKeys(value, path, context, keys) || version < 7) return
  const { trajectory_id: id, trajectory_path: file } = value
  if (typeof id !== 'string' && typeof file !== 'string') problems.push(`${path}: names nothing`)
  if (typeof id === 'string' && typeof file !== 'string' && !ids.includes(id)) problems.push(`${path}: no such trajectory here`)
}

function checkContent(value: Value, path: string, context: Context): void {
  if (typeof value === 'string') return
  if (!Array.isArray(value)) {
    if (value !== undefined && value !== null) context.problems.push(`${path}: must be text or parts`)
    return
  }
  if (context.version < 6) context.problems.push(`${path}: parts need version 1.6`)
  for (const [index, part] of value.entries()) {
    const at = `${path}[${index}]`
    const type = isFields(part) ? part['type'] : undefined
    if (type === 'text') checkKeys(part, at, context, { 'type!': ['string'], 'text!': ['string'] })
    else if (type === 'image') {
      checkKeys(part, at, context, { 'type!': ['string'], 'source!': ['map'] })
      const source = isFields(part) ? part['source'] : undefined
      if (!checkKeys(source, `${at}.source`, context, { 'media_type!': ['string'], 'path!': ['string'] })) continue
      if (!['image/jpeg', 'image/png', 'image/gif', 'image/webp'].includes(String(source['media_type'])))
        context.problems.push(`${at}.source.media_type: not a kind of image`)
    } else context.problems.push(`${at}.type: must be text or image`)
  }
}

function checkMetrics(value: Value, path: string, context: Context): void {
  checkKeys(value, path, context, {
    prompt_tokens: ['whole'],
    completion_tokens: ['whole'],
    cached_tokens: ['whole'],
    cost_usd: ['number'],
    prompt_token_ids: ['ids', 4],
    completion_token_ids: ['ids', 3],
    logprobs: ['numbers'],
    extra: ['map'],
  })
}
