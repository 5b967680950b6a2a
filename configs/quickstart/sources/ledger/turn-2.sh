cat > ledger.mjs <<'EOF'
import { readFileSync } from 'node:fs'

const columns = ['date', 'account', 'amount']

main(process.argv.slice(2))

function main([command, file, option, account]) {
  const known = option === undefined || (option === '--account' && account !== undefined)
  if (command !== 'balance' || file === undefined || !known) fail(2, 'usage: node ledger.mjs balance FILE [--account NAME]')
  const sums = new Map()
  for (const entry of readEntries(file)) sums.set(entry.account, (sums.get(entry.account) ?? 0n) + entry.cents)
  const names = account === undefined ? [...sums.keys()].sort() : [account]
  for (const name of names) console.log(`${name} ${writeCents(sums.get(name) ?? 0n)}`)
}

function readEntries(path) {
  let text
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    fail(1, error.message)
  }
  const [header, ...lines] = text.split(/\r?\n/)
  const names = splitFields(header)
  const places = columns.map(column => names.indexOf(column))
  if (places.includes(-1)) fail(1, `${path}:1: the header needs the columns ${columns.join(', ')}`)
  return lines.flatMap((line, index) => {
    if (line.trim() === '') return []
    const fields = splitFields(line)
    return [readEntry(places.map(place => fields[place] ?? ''), `${path}:${index + 2}`)]
  })
}

function readEntry([date, account, amount], place) {
  if (!isDate(date)) fail(1, `${place}: "${date}" is not a date`)
  const match = /^(-?)(\d+)(?:\.(\d{1,2}))?$/.exec(amount)
  if (!match) fail(1, `${place}: "${amount}" is not an amount`)
  const [, sign, whole, part = ''] = match
  const cents = BigInt(whole) * 100n + BigInt(part.padEnd(2, '0'))
  return { date, account, cents: sign === '-' ? -cents : cents }
}

function isDate(text) {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false
  const time = Date.parse(`${text}T00:00:00Z`)
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text)
}

function splitFields(line) {
  const fields = []
  for (const [, quoted, plain] of line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)) {
    fields.push(quoted === undefined ? plain.trim() : quoted.replaceAll('""', '"'))
  }
  return fields
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
