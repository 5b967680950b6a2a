// Every way of holding a conversation, and which of them a trial's agent gets.

import { chooseDriver } from '../agents/_choices.ts'
import type { Dialogue, DialoguePlace } from './_driver.ts'
import { openServed } from './_served.ts'
import { acp } from './acp.ts'
import { openProcesses } from './process.ts'
import { streamJson } from './stream-json.ts'

export function openDialogue(place: DialoguePlace): Dialogue {
  const driver = chooseDriver(place.context.spec, place.agent)
  if (driver === 'acp') return openServed(acp, place)
  if (driver === 'stream-json') return openServed(streamJson, place)
  return openProcesses(place)
}
