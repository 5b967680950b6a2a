// `turnpike doctor`: is everything here that a run needs, and if not, what to do. Exit 1 when something must be mended first.

import pc from 'picocolors'
import { checkAll, type Finding } from '../doctor-checks.ts'
import { packageFile } from '../package-files.ts'
import type { CommandSpec, Output } from './_command.ts'

export const doctorCommand: CommandSpec = {
  usage: 'doctor',
  group: 'Set up',
  summary: 'Check what a run needs, and say what to do',
  description:
    'Node, git, disk space, the store, the port and the provider keys (only whether they are set), containers, programs of agents.',
  keys: ['proxy.host', 'proxy.port', 'proxy.models', 'agents.directory'],
  examples: ['turnpike doctor', 'turnpike doctor --store /data/turnpike --json'],
  run: async ({ config, environment, json, output }) => {
    const findings = await checkAll(config, config.proxy.models ?? packageFile('configs', 'models.yaml'), environment)
    const healthy = findings.every(finding => finding.state !== 'fail')
    if (json) await output.writeJson({ ok: healthy, checks: findings.map(({ advice, ...rest }) => ({ ...rest, try: advice })) })
    else await output.write(describe(findings, output))
    return healthy ? 0 : 1
  },
}

function describe(findings: readonly Finding[], output: Output): string {
  const colours = pc.createColors(output.useColour)
  const marks = { ok: colours.green('ok  '), warn: colours.yellow('note'), fail: colours.red('FAIL') }
  const lines = findings.flatMap(({ name, state, found, advice }) => [
    `${marks[state]}  ${name}: ${found}`,
    ...(advice === null ? [] : [`      try: ${advice}`]),
  ])
  return `${lines.join('\n')}\n`
}
