import { isAlias, isMap, isPair, isScalar, isSeq, LineCounter, type Pair, parseDocument, visit } from 'yaml'
import { objectAt } from '../../src/json.ts'
import type { WorkflowText } from './workflow-texts.ts'

/** A `key: value` of a workflow, with its place and the comment at the end of its line. */
export interface Entry {
  key: string
  /** Key of the map it is in; empty at the top. */
  parent: string
  value: string | undefined
  line: number
  comment: string
}

/** The action itself, under its own name: an example shows the tag that users follow. */
const OURS = /^(\.\/|\$\/|OWNER\/release-gem(\/|@))/

/** A workflow as values, and as the lines it is written in. */
export class Workflow {
  readonly name: string
  readonly kind: WorkflowText['kind']
  readonly value: unknown
  readonly entries: readonly Entry[]

  constructor({ name, text, kind }: WorkflowText) {
    this.name = name
    this.kind = kind
    const lines = new LineCounter()
    const document = parseDocument(text, { lineCounter: lines })
    if (document.errors.length > 0) throw new Error(`${name}: ${document.errors.map(String).join(', ')}`)
    this.value = document.toJS()
    const entries: Entry[] = []
    visit(document, {
      Pair(_, pair, path) {
        const holder = path.findLast((node) => isPair(node))
        entries.push({ ...entryOf(pair, text, lines), parent: holder ? keyOf(holder) : '' })
      },
      Node(_, node) {
        if (isAlias(node)) throw new Error(`${name}: an alias, which these rules do not follow`)
      },
    })
    this.entries = entries
  }

  get jobs(): [name: string, job: unknown][] {
    return Object.entries(objectAt(this.value, 'jobs'))
  }

  /** `uses:` of other people's actions and workflows. */
  get foreignUses(): Entry[] {
    return this.entries.filter(({ key, value = '' }) => key === 'uses' && !OURS.test(value))
  }
}

function keyOf({ key }: Pair): string {
  return isScalar(key) ? String(key.value) : ''
}

function entryOf(pair: Pair, text: string, lines: LineCounter): Omit<Entry, 'parent'> {
  const { key, value } = pair
  const scalar: unknown = isScalar(value) ? value.value : undefined
  const node = isScalar(value) || isMap(value) || isSeq(value) ? value : undefined
  const [start, end] = (node ?? (isScalar(key) ? key : undefined))?.range ?? [0, 0]
  const rest = text.slice(end, text.indexOf('\n', end))
  return {
    key: keyOf(pair),
    value: typeof scalar === 'string' || typeof scalar === 'boolean' ? String(scalar) : undefined,
    line: lines.linePos(start).line,
    comment: /^\s*#\s*(.*\S)/.exec(rest)?.[1] ?? '',
  }
}
