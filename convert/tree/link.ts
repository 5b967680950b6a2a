// The words for how a call hangs on the calls before it: which rule placed it, by what evidence, how sure. Data only; read before tree.ts.
// Source of the rules: docs/convert.md. Nothing here decides anything.

/** How sure a link is; every call counts in exactly one class, and `calls = declared + exact + copied + textual + unlinked`. */
export type LinkKind = 'declared' | 'exact' | 'copied' | 'textual' | 'unlinked'

/** The rule that placed a call; each belongs to one kind, only `side` may be textual (it names its lane) or unlinked. */
export type Relation =
  /** declared: the request names the answer it continues. */
  | 'declared'
  /** exact: the request begins with the parent's request and its answer. */
  | 'extend'
  /** exact: as extend, but the parent was continued otherwise before: a rewind or a branch. */
  | 'fork'
  /** copied: blocks the parent generated stand behind a history that was changed. */
  | 'edit'
  /** textual: a new beginning whose words stand in the arguments of a tool call of the parent. */
  | 'subagent'
  /** textual: a new beginning that holds the parent's words: its answer was a summary. */
  | 'compact'
  /** textual or unlinked: a title, a warm-up, a probe beside a lane. */
  | 'side'
  /** unlinked: the first call of its conversation. */
  | 'root'

export type SideKind = 'title' | 'warmup' | 'probe' | 'count' | 'unknown'

/** What a link rests on: an id of an answer or of a tool call, a header or field, or the SHA-256 (hex) of a line of text. */
export interface Evidence {
  readonly kind: 'answer-id' | 'tool-call-id' | 'mark' | 'line' | 'block'
  readonly value: string
}

export type EditKind =
  /** A tool's result was emptied or replaced. */
  | 'result-changed'
  /** A text of the parent's context is gone. */
  | 'text-dropped'
  /** A text of the parent's context reads otherwise. */
  | 'text-changed'
  /** Something new stands before what the parent generated. */
  | 'inserted'

/** One block before the copied answer that the parent's context does not have as it is now; position in the request's blocks, null = gone. */
export interface Edit {
  readonly kind: EditKind
  readonly position: number | null
}

export interface Link {
  readonly relation: Relation
  readonly kind: LinkKind
  /** Index of the parent call in the tree's order; null = nothing is known before it. */
  readonly parent: number | null
  /** How many leading blocks of the request the parent's request and answer account for; what follows is new. 0 for textual links. */
  readonly known: number
  readonly edits: readonly Edit[]
  readonly evidence: readonly Evidence[]
  /** Id of the parent's tool call that this call's lane works for; only `subagent`. */
  readonly via: string | null
  /** Only `side`. */
  readonly side: SideKind | null
}
