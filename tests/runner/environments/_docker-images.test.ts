import { expect, it } from 'vitest'
import type { AgentLayer } from '../../../runner/agents/_adapter.ts'
import { listPrograms, readLayer, writeFragment } from '../../../runner/environments/_docker-images.ts'
import { plainSpec } from '../_sandbox.ts'

const layer: AgentLayer = { id: 'some', version: '1.0.0', packages: [], nodeMajor: null, systemPackages: [], programs: ['some'] }

it('lays an agent over an image and changes nothing else of it', () => {
  expect(writeFragment('task:1', layer, 'worker')).toBe('FROM task:1\nCOPY agent /opt/turnpike/agents/some\n')
})

it('installs what the system lacks, as root, and gives the image its user back', () => {
  const lines = writeFragment('task:1', { ...layer, systemPackages: ['procps', 'git'] }, 'worker').split('\n')
  expect(lines.slice(0, 2)).toEqual(['FROM task:1', 'USER root'])
  expect(lines[2]).toMatch(
    /^RUN for program in ps git; do .* apt-get install -y --no-install-recommends procps git; } \|\| apk add/,
  )
  expect(lines.slice(3)).toEqual(['USER worker', 'COPY agent /opt/turnpike/agents/some', ''])
  expect(writeFragment('task:1', { ...layer, systemPackages: ['git'] }, '')).not.toContain('USER \n')
})

it('has a layer only where its programs were prepared', () => {
  const spec = { ...plainSpec('t'), layer }
  expect(readLayer(spec)).toBeNull()
  expect(listPrograms(spec)).toEqual([])
  expect(readLayer({ ...spec, layerDirectory: '/cache/some' })).toEqual({ layer, directory: '/cache/some' })
  expect(listPrograms({ ...spec, layerDirectory: '/cache/some' })).toEqual(['/opt/turnpike/agents/some/bin'])
})
