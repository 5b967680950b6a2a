// A converting thread of `turnpike convert`, with what only this folder may wire to it.

import { serveThread } from '../convert/pool/serve-thread.ts'
import { identify } from './identify.ts'

serveThread({ identify })
