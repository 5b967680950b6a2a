// Every command, in the order of help. Adding one is one file and one line here.

import type { CommandSpec } from './_command.ts'
import { agentsCommand } from './agents.ts'
import { convertCommand } from './convert.ts'
import { costsCommand } from './costs.ts'
import { decodeCommand } from './decode.ts'
import { doctorCommand } from './doctor.ts'
import { exportCommand } from './export.ts'
import { harborCommand } from './harbor.ts'
import { importCommand } from './import.ts'
import { initCommand } from './init.ts'
import { proxyCommand } from './proxy.ts'
import { reportCommand } from './report.ts'
import { runCommand } from './run.ts'
import { runsCommand } from './runs.ts'
import { scoreCommand } from './score.ts'
import { sessionsCommand } from './sessions.ts'
import { showCommand } from './show.ts'
import { tasksCommand } from './tasks.ts'
import { trialsCommand } from './trials.ts'
import { verifyCommand } from './verify.ts'

export const commands: readonly CommandSpec[] = [
  proxyCommand,
  importCommand,
  runCommand,
  harborCommand,
  sessionsCommand,
  runsCommand,
  trialsCommand,
  showCommand,
  exportCommand,
  verifyCommand,
  decodeCommand,
  convertCommand,
  scoreCommand,
  costsCommand,
  reportCommand,
  agentsCommand,
  tasksCommand,
  doctorCommand,
  initCommand,
]
