cat >> slug.mjs <<'EOF'

/** A function that gives every text a slug and no slug twice. */
export function createSlugger({ separator = '-', maxLength = Infinity } = {}) {
  const taken = new Set()
  return text => {
    const source = slugify(text) === '' ? 'untitled' : text
    let slug = slugify(source, { separator, maxLength })
    for (let number = 2; taken.has(slug); number++) {
      const ending = separator + number
      slug = slugify(source, { separator, maxLength: maxLength - ending.length }) + ending
    }
    taken.add(slug)
    return slug
  }
}
EOF
