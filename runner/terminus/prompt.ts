// Every word that `terminus` says to a model. Texts only: what is said when is decided in loop.ts and compaction.ts.

import type { Parser } from './parsers.ts'

const form: Readonly<Record<Parser, string>> = {
  json: `Answer with one JSON object and nothing else:

{
  "analysis": "what the terminal shows and what is still to be done",
  "plan": "what you do next and what you expect to see",
  "commands": [
    { "keystrokes": "ls -la\\n", "duration": 0.5 },
    { "keystrokes": "npm test\\n", "duration": 30 }
  ],
  "task_complete": false
}

analysis, plan and commands must be there, in this order; task_complete may be left out while there is work to do. In JSON a line
break inside a text is written \\n.`,
  xml: `Answer with one block of this shape and nothing else:

<response>
<analysis>what the terminal shows and what is still to be done</analysis>
<plan>what you do next and what you expect to see</plan>
<commands>
<keystrokes duration="0.5">ls -la
</keystrokes>
<keystrokes duration="30">npm test
</keystrokes>
</commands>
<task_complete>false</task_complete>
</response>

What stands between the keystrokes tags is typed character by character, line breaks included: write < and & as they are, escape
nothing. task_complete may be left out while there is work to do.`,
}

const rules = `How the commands are carried out:
- They are typed into the terminal one after the other. Nothing is added: a command line runs only if its keystrokes end with a line break.
- "duration" is how many seconds to wait after typing before the next command or before you are shown the terminal: 0.1 for what is
  instant, more for builds and tests, at most 60. When something takes longer, look again with empty keystrokes and another duration
  instead of starting it twice.
- Keystrokes that are exactly the name of a key press that key: C-c, C-d, Escape, Up, Enter. One key a command, nothing beside it.
- The terminal keeps its state: directories, variables and running programs stay. Leave pagers and editors before you type commands.
- The list may be empty when you only want to look again.`

export function writeBriefing(parser: Parser, requests: readonly string[], terminal: string): string {
  return `You work on a computer through a terminal (tmux, bash). You see what it shows, and what you answer is typed into it. Nobody can
answer questions: decide sensibly yourself. What you leave behind is tested against the task.

${form[parser]}

${rules}

${writeTask(requests)}

${terminal}`
}

/** The last request is the one to work on. */
export function writeTask(requests: readonly string[]): string {
  const latest = requests.at(-1) ?? ''
  if (requests.length < 2) return `TASK:\n${latest}`
  const earlier = requests.slice(0, -1).map((text, index) => `REQUEST ${index + 1} (worked on already):\n${text}`)
  return `${earlier.join('\n\n')}\n\nREQUEST ${requests.length} (now; what was asked for earlier still holds unless it was changed):\n${latest}`
}

export function writeNextRequest(request: string, terminal: string): string {
  return `The work goes on with a new request. What was asked for earlier still holds unless this changes it. The terminal was opened
anew: programs that ran in the old one have been ended, files are as you left them. The form of your answers stays the same.

REQUEST:
${request}

${terminal}`
}

export function writeObservation(warnings: readonly string[], terminal: string): string {
  return warnings.length === 0 ? terminal : `Your last answer was understood, but:\n${listOf(warnings)}\n\n${terminal}`
}

export function writeParseError(parser: Parser, errors: readonly string[], warnings: readonly string[]): string {
  const also = warnings.length === 0 ? '' : `\nAlso noticed:\n${listOf(warnings)}`
  return `Your last answer could not be read, so nothing of it was typed:
${listOf(errors)}${also}

Answer again with ${parser === 'json' ? 'one JSON object' : 'one <response> block'} of the form described at the beginning.`
}

export function writeCutOff(): string {
  return `Your last answer reached the length limit and was cut off. Nothing of it was typed. Answer again, much shorter: make smaller
steps, and write large files in several parts.`
}

export function writeConfirmation(terminal: string): string {
  return `${terminal}

You say that the task is complete. It will be tested as it is now, and there is no correcting it afterwards. If something is left to
do or to check, go on as usual. If you are sure, answer once more with task_complete set to true.`
}

export function askSummary(requests: readonly string[]): string {
  return `The conversation is about to run out of space. Write a handover for a colleague who continues in the same terminal and has seen
nothing of it. Cover: what was done so far and why, commands and files that matter with their exact names, what was found out
(also what did not work), the present state, and what is left to do. Write plain text, not the form of your other answers.

${writeTask(requests)}`
}

export function askQuestions(requests: readonly string[], summary: string, terminal: string): string {
  return `You take over the work of a colleague in a running terminal. This is all you know:

${writeTask(requests)}

HANDOVER OF YOUR COLLEAGUE:
${summary}

${terminal}

Before you continue, ask your colleague at least five questions about what the handover leaves open and what you need to know to
finish without repeating work or breaking something. Answer with the numbered questions only.`
}

export function askAnswers(questions: string): string {
  return `Your colleague has read the handover and asks:

${questions}

Answer each question by its number, from what you have seen in this conversation. Say so where you do not know. Plain text.`
}

export function writeHandover(answers: string, terminal: string): string {
  return `These are your colleague's answers:

${answers}

Go on with the task now, in the form of answers described at the beginning.

${terminal}`
}

export function askShortSummary(requests: readonly string[], screenEnd: string): string {
  return `Someone works on this task in a terminal and has lost the record of it. Say in a few sentences what seems to be done and what is
left, judging by the end of the screen alone.

${writeTask(requests)}

END OF THE SCREEN:
${screenEnd}`
}

export function writeShortHandover(summary: string): string {
  return `The earlier conversation was too long to be kept. What is known of it:\n${summary}\n\nLook at the files, then go on with the task.`
}

export function writeBareHandover(): string {
  return 'The earlier conversation was too long to be kept. Find out from the files and the terminal what is done already, then go on.'
}

const listOf = (lines: readonly string[]): string => lines.map(line => `- ${line}`).join('\n')
