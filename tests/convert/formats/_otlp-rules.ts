// The rules of OTLP in JSON for trace requests, from its protobuf definition and the JSON mapping: what a set of requests breaks, by path.
// Shares nothing with the writer or its schema.

type Fields = Record<string, unknown>

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Each field of the messages, by its lowerCamelCase name, with the kind of value the JSON mapping wants. */
const messages: Record<string, Record<string, string>> = {
  request: { resourceSpans: '[]resourceSpans' },
  resourceSpans: { resource: 'resource', scopeSpans: '[]scopeSpans', schemaUrl: 'text' },
  resource: { attributes: '[]keyValue', droppedAttributesCount: 'uint32' },
  scopeSpans: { scope: 'scope', spans: '[]span', schemaUrl: 'text' },
  scope: { name: 'text', version: 'text', attributes: '[]keyValue', droppedAttributesCount: 'uint32' },
  span: {
    traceId: 'hex16',
    spanId: 'hex8',
    traceState: 'text',
    parentSpanId: 'hex8',
    flags: 'uint32',
    name: 'text',
    kind: 'kind',
    startTimeUnixNano: 'fixed64',
    endTimeUnixNano: 'fixed64',
    attributes: '[]keyValue',
    events: '[]event',
    links: '[]link',
    status: 'status',
  },
  event: { timeUnixNano: 'fixed64', name: 'text', attributes: '[]keyValue' },
  link: { traceId: 'hex16', spanId: 'hex8', traceState: 'text', attributes: '[]keyValue', flags: 'uint32' },
  status: { message: 'text', code: 'code' },
  keyValue: { key: 'text', value: 'value' },
  value: {
    stringValue: 'text',
    boolValue: 'bool',
    intValue: 'int64',
    doubleValue: 'double',
    arrayValue: 'array',
    kvlistValue: 'list',
    bytesValue: 'text',
  },
  array: { values: '[]value' },
  list: { values: '[]keyValue' },
}

const scalars: Record<string, (value: unknown) => boolean> = {
  text: value => typeof value === 'string',
  bool: value => typeof value === 'boolean',
  double: value => typeof value === 'number' && Number.isFinite(value),
  uint32: value => Number.isSafeInteger(value) && (value as number) >= 0,
  // 64 bits do not fit into a number of JSON: they are decimal text.
  int64: value => typeof value === 'string' && /^-?\d{1,19}$/.test(value),
  fixed64: value => typeof value === 'string' && /^\d{1,20}$/.test(value),
  hex16: value => typeof value === 'string' && /^[0-9a-f]{32}$/.test(value) && !/^0+$/.test(value),
  hex8: value => typeof value === 'string' && /^[0-9a-f]{16}$/.test(value) && !/^0+$/.test(value),
  kind: value => [1, 2, 3, 4, 5].includes(value as number),
  code: value => [0, 1, 2].includes(value as number),
}

function check(type: string, value: unknown, path: string, problems: string[]): void {
  if (type.startsWith('[]')) {
    if (!Array.isArray(value)) problems.push(`${path}: must be a list`)
    else for (const [index, item] of value.entries()) check(type.slice(2), item, `${path}[${index}]`, problems)
    return
  }
  const scalar = scalars[type]
  if (scalar !== undefined) {
    if (!scalar(value)) problems.push(`${path}: must be ${type}`)
    return
  }
  if (!isFields(value)) {
    problems.push(`${path}: must be an object`)
    return
  }
  for (const [key, field] of Object.entries(value)) {
    const known = messages[type]?.[key]
    if (known === undefined) problems.push(`${path}.${key}: unknown field`)
    else check(known, field, `${path}.${key}`, problems)
  }
  if (type === 'value' && Object.keys(value).length !== 1) problems.push(`${path}: must have one kind of value`)
  if (type === 'span') checkSpan(value, path, problems)
  const { attributes } = value
  if (Array.isArray(attributes)) {
    const keys = attributes.map(entry => (isFields(entry) ? entry['key'] : undefined))
    if (new Set(keys).size !== keys.length) problems.push(`${path}.attributes: a key stands twice`)
  }
}

function checkSpan(span: Fields, path: string, problems: string[]): void {
  for (const key of ['traceId', 'spanId', 'name', 'startTimeUnixNano', 'endTimeUnixNano'])
    if (span[key] === undefined || span[key] === '') problems.push(`${path}.${key}: missing`)
  try {
    if (BigInt(String(span['endTimeUnixNano'])) < BigInt(String(span['startTimeUnixNano'])))
      problems.push(`${path}: ends before it starts`)
  } catch {
    // Said above.
  }
}

export function listSpans(requests: readonly unknown[]): Fields[] {
  return requests.flatMap(request =>
    ((request as Fields)['resourceSpans'] as Fields[]).flatMap(resource =>
      (resource['scopeSpans'] as Fields[]).flatMap(scope => scope['spans'] as Fields[]),
    ),
  )
}

/** All requests of one scope together: one trace, one root, no span twice, parents that exist. */
export function findTraceProblems(requests: readonly unknown[]): string[] {
  const problems: string[] = []
  for (const [index, request] of requests.entries()) check('request', request, `$[${index}]`, problems)
  if (problems.length > 0) return problems
  const spans = listSpans(requests)
  const ids = new Set(spans.map(span => span['spanId']))
  if (ids.size !== spans.length) problems.push('a span id stands twice')
  if (new Set(spans.map(span => span['traceId'])).size !== 1) problems.push('not one trace')
  if (spans.filter(span => span['parentSpanId'] === undefined).length !== 1) problems.push('not one root')
  for (const span of spans) {
    if (span['parentSpanId'] !== undefined && !ids.has(span['parentSpanId'])) problems.push(`${span['name']}: parent is nowhere`)
    for (const link of (span['links'] ?? []) as Fields[])
      if (!ids.has(link['spanId'])) problems.push(`${span['name']}: linked span is nowhere`)
  }
  return problems
}

/** Attributes as plain values. */
export function readAttributes(span: Fields | undefined): Fields {
  return Object.fromEntries(
    ((span?.['attributes'] ?? []) as Fields[]).map(({ key, value }) => {
      const [kind, plain] = Object.entries(value as Fields)[0] ?? []
      return [key, kind === 'intValue' ? Number(plain) : kind === 'arrayValue' ? (plain as Fields)['values'] : plain]
    }),
  )
}
