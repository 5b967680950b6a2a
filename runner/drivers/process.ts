// A process per request: the agent's command is run to its end and nothing it started is left. It is continued by the id of its session.

import type { AgentReply, Dialogue, DialoguePlace } from './_driver.ts'

export function openProcesses({ environment, agent, context, signal }: DialoguePlace): Dialogue {
  let named = false
  return {
    ask: async (request, { timeoutMs, user, env }): Promise<AgentReply> => {
      // A process that was ended before it said the name of its session cannot be continued by another.
      const isLost = request.continues && agent.namesSessions === true && !named
      const command = agent.command(isLost ? { ...request, continues: false } : request, context)
      if (command === null) return { result: null, session: null, lost: null }
      const result = await environment.exec(command.argv, {
        env: { ...env, ...agent.env(context) },
        ...(command.stdin === undefined ? {} : { stdin: command.stdin }),
        timeoutMs,
        signal,
        ...(user === undefined ? {} : { user }),
      })
      const session = result.ended === 'failed-to-start' ? null : agent.readSession(result.stdout)
      named = session !== null || (named && request.continues)
      return { result, session, lost: isLost ? 'the agent ended before it had named its session' : null }
    },
    close: async () => undefined,
  }
}
