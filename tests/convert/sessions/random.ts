// Numbers from a seed: a script's step keeps its own, so that what fast-check takes away changes nothing in the steps that stay.

export interface Random {
  /** 0 <= n < bound. */
  readonly below: (bound: number) => number
  readonly chance: (percent: number) => boolean
  readonly pick: <T>(list: readonly T[]) => T
}

export function createRandom(seed: number): Random {
  let state = seed >>> 0
  const below = (bound: number): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound
  }
  return {
    below,
    chance: percent => below(100) < percent,
    pick: list => {
      const found = list[below(list.length)]
      if (found === undefined) throw new Error('nothing to pick from')
      return found
    },
  }
}

/** One to one on 32 bits: names that do not sort in the order they were given. */
export function scatter(number: number): string {
  let mixed = Math.imul(number + 1, 0x9e3779b1) >>> 0
  mixed = (mixed ^ (mixed >>> 15)) >>> 0
  return mixed.toString(16).padStart(8, '0')
}
