// The process's standard streams as commands use them: results on standard output, everything said beside them on standard error.

import type { Json } from '../core/types.ts'
import type { Output } from './commands/_command.ts'

export function createOutput(
  stdout: NodeJS.WriteStream,
  stderr: NodeJS.WriteStream,
  environment: Readonly<Record<string, string | undefined>>,
): Output {
  const write = (data: string | Uint8Array): Promise<void> =>
    new Promise((resolve, reject) => stdout.write(data, error => (error ? reject(error) : resolve())))
  return {
    isTty: stderr.isTTY === true,
    isStdoutTty: stdout.isTTY === true,
    columns: stdout.columns || 120,
    useColour: stdout.isTTY === true && !environment['NO_COLOR'] && environment['TERM'] !== 'dumb',
    write,
    writeJson: (value: Json | object) => write(`${JSON.stringify(value)}\n`),
    note: line => void stderr.write(`${line}\n`),
    stderr,
  }
}
