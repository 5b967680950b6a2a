cat > slug.mjs <<'EOF'
const spelled = { ß: 'ss', æ: 'ae', œ: 'oe', ø: 'o' }

/** A text as a part of a URL. */
export function slugify(text, { separator = '-', maxLength = Infinity } = {}) {
  if (typeof text !== 'string') throw new TypeError('slugify needs a string')
  return joinWords(splitWords(text), separator, maxLength)
}

function splitWords(text) {
  const plain = text
    .toLowerCase()
    .normalize('NFD')
    .replace(/\p{Mark}/gu, '')
    .replace(/[ßæœø]/g, letter => spelled[letter])
  return plain.match(/[a-z0-9]+/g) ?? []
}

function joinWords(words, separator, maxLength) {
  let slug = ''
  for (const word of words) {
    const longer = slug === '' ? word : slug + separator + word
    if (longer.length > maxLength) return slug === '' ? word.slice(0, maxLength) : slug
    slug = longer
  }
  return slug
}
EOF
