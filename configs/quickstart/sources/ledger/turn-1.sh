cat > ledger.mjs <<'EOF'
import { readFileSync } from 'node:fs'

const [command, file] = process.argv.slice(2)
if (command !== 'balance' || file === undefined) fail(2, 'usage: node ledger.mjs balance FILE')

const sums = new Map()
for (const [, account, amount] of readRows(file)) sums.set(account, (sums.get(account) ?? 0n) + readCents(amount))
for (const account of [...sums.keys()].sort()) console.log(`${account} ${writeCents(sums.get(account))}`)

function readRows(path) {
  let text
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    fail(1, error.message)
  }
  const lines = text.split('\n').filter(line => line.trim() !== '')
  return lines.slice(1).map(line => line.split(','))
}

function readCents(amount) {
  const [, sign, whole, part = ''] = /^(-?)(\d+)(?:\.(\d{1,2}))?$/.exec(amount.trim())
  const cents = BigInt(whole) * 100n + BigInt(part.padEnd(2, '0'))
  return sign === '-' ? -cents : cents
}

function writeCents(cents) {
  const size = cents < 0n ? -cents : cents
  return `${cents < 0n ? '-' : ''}${size / 100n}.${String(size % 100n).padStart(2, '0')}`
}

function fail(status, message) {
  console.error(message)
  process.exit(status)
}
EOF
