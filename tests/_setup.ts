// Before any test: the compiled program is fresh, because worker threads and spawned commands run from dist/.
import { execFileSync } from 'node:child_process'

export default function setup(): void {
  execFileSync(process.execPath, ['scripts/build.mjs'], { stdio: 'inherit' })
}
