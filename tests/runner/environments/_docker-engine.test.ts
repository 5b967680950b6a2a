import { expect, it } from 'vitest'
import { describeEngine } from '../../../runner/environments/_docker-engine.ts'
import { counterOf } from '../../../runner/environments/_docker-memory.ts'

const podman = { Version: '4.3.1', Components: [{ Name: 'Podman Engine', Version: '4.3.1' }] } as never
const docker = { Version: '20.10.24', Components: [{ Name: 'Engine', Version: '20.10.24' }] } as never
const able = { CgroupVersion: '1', MemoryLimit: true, PidsLimit: true }

it.each([
  [docker, { ...able, SecurityOptions: ['name=seccomp'] }, { name: 'Docker', isRootless: false, keepsLimits: true }],
  [docker, { ...able, PidsLimit: false }, { name: 'Docker', isRootless: false, keepsLimits: false }],
  [docker, { ...able, SecurityOptions: ['name=rootless'] }, { name: 'Docker', isRootless: true, keepsLimits: false }],
  [podman, { ...able, Rootless: true }, { name: 'Podman', isRootless: true, keepsLimits: false }],
  [podman, { ...able, CgroupVersion: '2', Rootless: true }, { name: 'Podman', isRootless: true, keepsLimits: true }],
  [podman, { ...able, Rootless: false }, { name: 'Podman', isRootless: false, keepsLimits: true }],
])('an engine is known by what it tells (%#)', (version, info, engine) => {
  expect(describeEngine(version, info)).toMatchObject(engine)
})

it('the counter of memory is found in control groups of both versions, and of both at once', () => {
  expect(counterOf('9:pids:/docker/abc\n4:memory:/docker/abc\n0::/\n')).toBe(
    '/sys/fs/cgroup/memory/docker/abc/memory.oom_control',
  )
  expect(counterOf('0::/system.slice/docker-abc.scope\n')).toBe('/sys/fs/cgroup/system.slice/docker-abc.scope/memory.events')
  expect(counterOf('')).toBeNull()
})
