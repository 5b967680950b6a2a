// The proxies that are compared, each started as its own process in front of the same upstream. One that is not installed is
// named and left out; nothing is ever downloaded.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { freePort, type Started, start, waitForOutput, waitForPort } from './pinned-process.ts'
import { diskBytes } from './process-usage.ts'

export interface Target {
  readonly id: string
  readonly title: string
  /** Null when it can be started here; else what is missing. */
  readonly missing: string | null
  /** Compiled while it runs: it needs a longer warm-up. */
  readonly justInTime: boolean
  readonly open: (options: OpenOptions) => Promise<OpenTarget>
}

export interface OpenOptions {
  readonly upstreamPort: number
  /** An empty folder of its own. */
  readonly directory: string
  /** Where Turnpike's threads leave their CPU profiles; null for none. */
  readonly profileDirectory: string | null
  /** A module that a measured Node process loads first. */
  readonly preload?: string
}

export interface OpenTarget {
  readonly port: number
  /** Null for the direct path: nothing stands between. */
  readonly started: Started | null
  /** Request header lines, each ended. */
  readonly headers: string
  /** Where it keeps its record; null when it keeps none. */
  readonly record: string | null
}

const root = fileURLToPath(new URL('..', import.meta.url))
const require = createRequire(import.meta.url)
const commonHeaders =
  'host: 127.0.0.1\r\ncontent-type: application/json\r\nauthorization: Bearer sk-bench-0123456789abcdef\r\nuser-agent: bench/1.0\r\naccept: */*\r\n'

const installed = (command: string): boolean => spawnSync('which', [command]).status === 0

/** A package's file: from node_modules, or from the folder that an environment variable names. */
function findPackage(name: string, variable: string): string | null {
  const folder = process.env[variable]
  for (const from of [folder, root]) {
    if (from === undefined) continue
    try {
      return require.resolve(name, { paths: [from] })
    } catch {}
    const direct = join(from, 'node_modules', name)
    if (existsSync(direct)) return direct
  }
  return null
}

export const direct: Target = {
  id: 'direct',
  justInTime: false,
  title: 'direct',
  missing: null,
  open: async ({ upstreamPort }) => ({ port: upstreamPort, started: null, headers: commonHeaders, record: null }),
}

const httpxyModule = findPackage('httpxy', 'HTTPXY')
export const httpxy: Target = {
  id: 'httpxy',
  justInTime: true,
  title: 'httpxy, bare',
  missing: httpxyModule === null ? 'httpxy (npm install)' : null,
  open: async ({ upstreamPort, preload }) => {
    const file = fileURLToPath(new URL('httpxy-server.ts', import.meta.url))
    const module = pathToFileURL(httpxyModule ?? '').href
    const preloading = preload === undefined ? [] : ['--import', preload]
    const started = start(
      process.execPath,
      [...preloading, '--import', 'tsx', file, module, `http://127.0.0.1:${upstreamPort}`],
      {
        core: 'measured',
      },
    )
    const [, port] = await waitForOutput(started, /listening (\d+)/)
    return { port: Number(port), started, headers: commonHeaders, record: null }
  },
}

export const turnpike: Target = {
  id: 'turnpike',
  justInTime: true,
  title: 'Turnpike, recording',
  missing: existsSync(join(root, 'dist', 'cli', 'main.js')) ? null : 'the compiled program (npm run build)',
  open: async ({ upstreamPort, directory, profileDirectory, preload }) => {
    const record = join(directory, 'store')
    const argv = [
      join(root, 'cli', 'turnpike.mjs'),
      'proxy',
      '--store',
      record,
      '--port',
      '0',
      '--upstream',
      `http://127.0.0.1:${upstreamPort}`,
      '--json',
    ]
    const profiling = profileDirectory === null ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileDirectory}`]
    const preloading = preload === undefined ? [] : ['--import', preload]
    const started = start(process.execPath, [...profiling, ...preloading, ...argv], { core: 'measured' })
    const [, port] = await waitForOutput(started, /"url":"http:\/\/[^"]*:(\d+)/)
    return { port: Number(port), started, headers: commonHeaders, record }
  },
}

export const nginx: Target = {
  id: 'nginx',
  justInTime: false,
  title: 'nginx',
  missing: installed('nginx') ? null : 'nginx',
  open: async ({ upstreamPort, directory }) => {
    const port = await freePort()
    const file = join(directory, 'nginx.conf')
    writeFileSync(file, nginxConfig(port, upstreamPort, directory))
    const started = start('nginx', ['-c', file, '-p', directory, '-e', join(directory, 'error.log')], { core: 'measured' })
    await waitForPort(started, port)
    return { port, started, headers: commonHeaders, record: null }
  },
}

function nginxConfig(port: number, upstreamPort: number, directory: string): string {
  const folders = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(name => `${name}_temp_path ${directory}/${name};`)
  return `daemon off; worker_processes 1; pid ${directory}/nginx.pid; user root;
events { worker_connections 4096; }
http {
  access_log off; ${folders.join(' ')}
  client_max_body_size 0; keepalive_requests 100000000; keepalive_timeout 600;
  map $http_upgrade $passed_connection { default upgrade; '' ''; }
  upstream model { server 127.0.0.1:${upstreamPort}; keepalive 256; keepalive_requests 100000000; }
  server {
    listen 127.0.0.1:${port} backlog=1024;
    location / {
      proxy_pass http://model; proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $passed_connection;
      proxy_buffering off; proxy_request_buffering off; proxy_read_timeout 600;
    }
  }
}
`
}

function mitmdump(id: string, title: string, options: readonly string[], recordsAll: boolean): Target {
  return {
    id,
    title,
    justInTime: false,
    missing: installed('mitmdump') ? null : 'mitmdump',
    open: async ({ upstreamPort, directory }) => {
      const port = await freePort()
      const record = join(directory, 'dump')
      const argv = [
        '--mode',
        `reverse:http://127.0.0.1:${upstreamPort}`,
        '--listen-host',
        '127.0.0.1',
        '-p',
        String(port),
        '-w',
        record,
        '-q',
        ...options,
      ]
      const started = start('mitmdump', argv, { core: 'measured' })
      await waitForPort(started, port)
      return { port, started, headers: commonHeaders, record: recordsAll ? record : null }
    },
  }
}

const portkeyServer = findPackage('@portkey-ai/gateway/build/start-server.js', 'PORTKEY_GATEWAY')
const portkey: Target = {
  id: 'portkey',
  justInTime: true,
  title: 'Portkey gateway',
  missing: portkeyServer === null ? '@portkey-ai/gateway (PORTKEY_GATEWAY names the folder that has it in node_modules)' : null,
  open: async ({ upstreamPort }) => {
    const port = await freePort()
    const started = start(process.execPath, [portkeyServer ?? '', `--port=${port}`, '--headless'], {
      core: 'measured',
      env: { TRUSTED_CUSTOM_HOSTS: `127.0.0.1,127.0.0.1:${upstreamPort},localhost`, NODE_ENV: 'production' },
    })
    await waitForPort(started, port)
    const headers = `${commonHeaders}x-portkey-provider: openai\r\nx-portkey-custom-host: http://127.0.0.1:${upstreamPort}/v1\r\nx-portkey-forward-headers: x-bench-sha256,x-bench-json\r\n`
    return { port, started, headers, record: null }
  },
}

export const recordingMitmdump = mitmdump('mitmdump', 'mitmdump -w', [], true)

export const targets: readonly Target[] = [
  direct,
  nginx,
  httpxy,
  turnpike,
  recordingMitmdump,
  mitmdump(
    'mitmdump-streaming',
    'mitmdump -w, stream_large_bodies=1 (its dump lacks the bodies)',
    ['--set', 'stream_large_bodies=1'],
    false,
  ),
  portkey,
]

/** An empty folder for one target and case. */
export function makeFolder(parent: string, name: string): string {
  const folder = join(parent, name)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  return folder
}

export const recordBytes = (record: string | null): number | null => (record === null ? null : diskBytes(record, statSync))
