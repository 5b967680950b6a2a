// Which model an address names, for the protocols that put it there: `…/models/<model>:verb` (Gemini, Vertex) and `/model/<model>/verb`
// (Bedrock, whose ids hold colons, encoded or not, and whose ARNs hold slashes). Pure; total on any path.

export interface PathModel {
  readonly model: string
  /** What is asked of it: `generateContent`, `converse-stream`. */
  readonly verb: string
  /** Range of the model in the path, as spelled there. */
  readonly start: number
  readonly end: number
}

const shapes = [
  /\/(?:models|tunedModels|endpoints)\/([^/]+):([A-Za-z]+)\/?$/d,
  /(?:^|\/)model\/(.+)\/(invoke|invoke-with-response-stream|converse|converse-stream|count-tokens)\/?$/d,
]

export function readModelPath(path: string): PathModel | null {
  for (const shape of shapes) {
    const match = shape.exec(path)
    const [start, end] = match?.indices?.[1] ?? []
    if (match?.[1] === undefined || match[2] === undefined || start === undefined || end === undefined) continue
    return { model: decode(match[1]), verb: match[2], start, end }
  }
  return null
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text // a stray % belongs to the name
  }
}
