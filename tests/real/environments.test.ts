// Containers keep the promises of every environment.
import { describe } from 'vitest'
import docker from '../../runner/environments/docker.ts'
import { keepPromises } from '../conformance/_environments.ts'
import { dockerMissing } from '../docker.ts'

describe.skipIf(dockerMissing !== null)('environment docker', () => keepPromises(docker))
