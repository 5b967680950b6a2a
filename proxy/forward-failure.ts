// Why an upstream could not be reached, in words: the network's reasons and those of its certificate. Pure.

import { isTurnpikeError, TurnpikeError } from '../core/errors.ts'
import type { Route } from './routes.ts'

/** What Node calls a certificate that does not hold, in words. */
const certificateFaults: Readonly<Record<string, string>> = {
  UNABLE_TO_GET_ISSUER_CERT: 'its authority is not known here',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its authority is not known here',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its authority is not known here, or the server leaves out part of the chain',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'it is signed by itself',
  SELF_SIGNED_CERT_IN_CHAIN: 'its authority is not known here',
  CERT_UNTRUSTED: 'its authority is not trusted for this use',
  CERT_HAS_EXPIRED: 'it has expired',
  CERT_NOT_YET_VALID: 'it is not valid yet; check the clock of this machine',
  CERT_REVOKED: 'it was revoked',
  CERT_SIGNATURE_FAILURE: 'its signature is wrong',
  INVALID_CA: 'one of its authorities is no authority',
  INVALID_PURPOSE: 'it is meant for another use',
  PATH_LENGTH_EXCEEDED: 'its chain is longer than its authority allows',
  ERR_TLS_CERT_ALTNAME_INVALID: 'it is made out to another name',
}

/** Only another authority would help against these. */
const unknownAuthority = /^(UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|CERT_UNTRUSTED)/

export function describeUnreachable({ origin, name }: Pick<Route, 'origin' | 'name'>, error: Error): TurnpikeError {
  const code = (error as NodeJS.ErrnoException).code ?? ''
  const place = `${origin.origin} (route ${name})`
  const fault = certificateFaults[code]
  if (fault !== undefined) {
    const hint = unknownAuthority.test(code)
      ? {}
      : { hint: 'ask whoever runs the upstream; there is no switch that turns the check off' }
    return new TurnpikeError('E_UPSTREAM_UNTRUSTED', `the certificate of ${place} is not trusted: ${fault} (${code})`, {
      cause: error,
      ...hint,
    })
  }
  const what = `cannot reach ${place}: ${error.message || code}`
  return new TurnpikeError('E_UPSTREAM_UNREACHABLE', what, {
    cause: error,
    ...(isTurnpikeError(error) ? { hint: error.hint } : {}),
  })
}
