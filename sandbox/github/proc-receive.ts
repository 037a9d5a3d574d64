/**
 * The `proc-receive` hook of the sandbox's repositories. It is the one hook through which git reports a
 * server's own words for a single refused ref (`! [remote rejected] v1 -> v1 (push declined due to
 * repository rule violations)`) and still takes the other refs of the push, as GitHub does.
 * The protocol: `git help hooks`, proc-receive.
 */
import { type Change, violation } from './rules.ts'

interface Rules {
  patterns: string[]
  bypass: boolean
  /** Page that GitHub points at, without the query. */
  page: string
}

const NOTHING = '0'.repeat(40)
const chunks = process.stdin.iterator({ destroyOnReturn: false })
let held = Buffer.alloc(0)

async function take(size: number): Promise<Buffer> {
  while (held.length < size) {
    const next = await chunks.next()
    if (next.done === true) throw new Error('git closed the connection')
    held = Buffer.concat([held, Buffer.from(next.value)])
  }
  const taken = held.subarray(0, size)
  held = held.subarray(size)
  return taken
}

/** Packet lines up to the next flush packet. */
async function receive(): Promise<string[]> {
  const lines: string[] = []
  for (;;) {
    const size = Number.parseInt((await take(4)).toString(), 16)
    if (size === 0) return lines
    lines.push((await take(size - 4)).toString().replace(/\n$/, ''))
  }
}

function send(lines: string[]): void {
  const packets = lines.map((line) => `${(Buffer.byteLength(line) + 4).toString(16).padStart(4, '0')}${line}`)
  process.stdout.write(`${packets.join('')}0000`)
}

function changeOf(before: string, after: string): Change {
  if (before === NOTHING) return 'create'
  return after === NOTHING ? 'delete' : 'update'
}

const rules: Rules = JSON.parse(process.env['SANDBOX_RULES'] ?? '')
await receive()
send(['version=1\0push-options atomic'])
const answers: string[] = []
for (const command of await receive()) {
  const [before = '', after = '', ref = ''] = command.split(' ')
  const broken = violation(rules.patterns, ref, changeOf(before, after))
  if (broken === undefined || rules.bypass) answers.push(`ok ${ref}`, 'option fall-through')
  else answers.push(`ng ${ref} push declined due to repository rule violations`)
  if (broken === undefined) continue
  const head = rules.bypass
    ? [`Bypassed rule violations for ${ref}:`]
    : [
        `error: GH013: Repository rule violations found for ${ref}.`,
        `Review all repository rules at ${rules.page}?ref=${encodeURIComponent(ref)}`,
      ]
  process.stderr.write(`${[...head, '', `- ${broken}`, ''].join('\n')}\n`)
}
send(answers)
// git keeps its end open until the hook has gone.
process.exit(0)
