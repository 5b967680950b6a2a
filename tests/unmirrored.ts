// Product files without a test file of their own, each with the reason. The tidy test holds this list against the tree, both ways.

export const unmirrored: Readonly<Record<string, string>> = {
  'core/types.ts': 'types only: nothing runs',
}
