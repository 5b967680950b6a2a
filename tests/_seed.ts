// Properties are tried with the same cases each time: whoever changes something else must not be stopped by a case that nobody has met before.
// TURNPIKE_SEED=n or =random tries others; fast-check names the seed of what failed.
import fc from 'fast-check'

const wanted = process.env['TURNPIKE_SEED'] ?? '20261121'
export const seed = wanted === 'random' ? Date.now() % 1_000_000_000 : Number(wanted)

fc.configureGlobal({ ...fc.readConfigureGlobal(), seed })
