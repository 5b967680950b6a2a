// How often a property is tried: as often as its test says, TURNPIKE_RUNS times as often where there is time for it.

const times = Number(process.env['TURNPIKE_RUNS'] ?? 1)

export const runs = (count: number): number => Math.ceil(count * times)
