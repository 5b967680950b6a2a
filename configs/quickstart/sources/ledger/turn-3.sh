cat > change.mjs <<'EOF'
import { readFileSync, writeFileSync } from 'node:fs'

const source = readFileSync('ledger.mjs', 'utf8')
const start = source.indexOf('function main(')
const end = source.indexOf('function readEntries(')
const main = `function main([command, file, option, value]) {
  const known = option === undefined || (option === '--account' && value !== undefined)
  if (command === 'balance' && file !== undefined && known) return printBalance(file, value)
  const isMonth = option === '--month' && /^\\d{4}-(0[1-9]|1[0-2])$/.test(value ?? '')
  if (command === 'report' && file !== undefined && isMonth) return printReport(file, value)
  fail(2, 'usage: node ledger.mjs balance FILE [--account NAME] | report FILE --month YYYY-MM')
}

function printBalance(file, account) {
  const sums = new Map()
  for (const entry of readEntries(file)) sums.set(entry.account, (sums.get(entry.account) ?? 0n) + entry.cents)
  const names = account === undefined ? [...sums.keys()].sort() : [account]
  for (const name of names) console.log(\`\${name} \${writeCents(sums.get(name) ?? 0n)}\`)
}

function printReport(file, month) {
  const sums = { opening: 0n, in: 0n, out: 0n }
  for (const { date, cents } of readEntries(file)) {
    const entryMonth = date.slice(0, 7)
    if (entryMonth < month) sums.opening += cents
    if (entryMonth === month) sums[cents < 0n ? 'out' : 'in'] += cents
  }
  const closing = sums.opening + sums.in + sums.out
  for (const [word, cents] of Object.entries({ ...sums, closing })) console.log(\`\${word} \${writeCents(cents)}\`)
}

`
writeFileSync('ledger.mjs', source.slice(0, start) + main + source.slice(end))
EOF
node change.mjs && rm change.mjs
