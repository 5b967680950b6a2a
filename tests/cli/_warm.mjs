// The built command in a process that is kept: cli/main.js itself, evaluated again for each question, while what it imports is loaded once.
// For commands that ask and end; what serves or drives agents gets a process of its own.

const main = new URL('../../dist/cli/main.js', import.meta.url).href
let number = 0

function listen(stream) {
  const parts = []
  stream.write = (data, ...rest) => {
    parts.push(Buffer.from(data))
    const done = rest.at(-1)
    if (typeof done === 'function') process.nextTick(done)
    return true
  }
  return parts
}

/** What main.js listens to belongs to one evaluation of it. */
function forget() {
  for (const event of ['SIGINT', 'SIGTERM', 'uncaughtException']) process.removeAllListeners(event)
  process.stdout.removeAllListeners('error')
}

process.on('message', async ({ args, directory, environment }) => {
  const [out, err] = [listen(process.stdout), listen(process.stderr)]
  process.chdir(directory)
  process.argv = [process.argv[0], main, ...args]
  process.env = environment
  const code = await new Promise((resolve, reject) => {
    process.exit = resolve
    import(`${main}?${number++}`).catch(reject)
  })
  forget()
  process.send({ code, out: Buffer.concat(out), err: Buffer.concat(err) })
})
