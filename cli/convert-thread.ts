// A converting thread of `turnpike convert`, with what only this folder may wire to it.

import { serveThread } from '../convert/serve-thread.ts'
import { identify } from './identify.ts'

serveThread({ identify })
