import path from 'node:path'
import { isObject, type JsonObject, objectsAt, parseJson, stringAt } from './json.ts'
import { codeBlock } from './markdown.ts'
import { putBack } from './persisted-credentials.ts'
import { parseReceipt } from './rubygems/credentials-receipt.ts'
import { JOURNAL, STATE } from './state.ts'
import { files } from './world/files.ts'
import { socketDirectory } from './world/push-socket.ts'
import { actionsRunner } from './world/runner.ts'
import { endSurvivors } from './world/survivors.ts'

/**
 * Entry of the post step: ends what a main step that was killed has left running, puts the credentials file back,
 * removes our private directory, and reports for a main step that could not. It never fails a job: the release has ended one way or the other.
 */

const runner = actionsRunner(process.env)

async function restore(): Promise<void> {
  const receipt = parseReceipt(runner.state(STATE.credentials))
  if (receipt) runner.info(await putBack(receipt))
}

/** What the journal of a main step says that was killed before it could report. */
async function recover(directory: string): Promise<void> {
  if (runner.state(STATE.reported) === 'true') return
  const journal = parseJson((await files.answer(path.join(directory, JOURNAL))) ?? '')
  const lines = isObject(journal) ? journalLines(journal) : [await withoutJournal(directory)]
  const text = [
    'The release was stopped before it could report. State at that moment:',
    ...lines,
    'Re-run the job: it asks the registry first and continues from there.',
  ].join('\n')
  runner.warning('Release interrupted', text)
  await runner.summary(`## Release interrupted\n\n${codeBlock(text)}\n`)
}

/** There is none before the first gem may leave the machine; but somebody may have emptied RUNNER_TEMP since. */
async function withoutJournal(directory: string): Promise<string> {
  return (await files.exists(directory))
    ? 'Nothing was published before it stopped.'
    : 'What it had published is not known: its notes below RUNNER_TEMP are gone.'
}

function journalLines(journal: JsonObject): string[] {
  const gems = objectsAt(journal, 'gems').map((gem) => {
    const [name = '', version = '', platform = '', status = ''] = ['name', 'version', 'platform', 'status'].map((key) =>
      stringAt(gem, key),
    )
    const meaning = status === 'unknown' ? ': a push may have begun, so that the registry has it or not' : ''
    return `${name} ${version} (${platform}): ${status}${meaning}`
  })
  const tags = Array.isArray(journal['tags']) ? journal['tags'].filter((tag) => typeof tag === 'string') : []
  const page = stringAt(journal, 'releaseUrl')
  return [...gems, ...tags.map((tag) => `Tag: ${tag}`), ...(page ? [`GitHub Release: ${page}`] : [])]
}

async function post(): Promise<void> {
  const directory = runner.state(STATE.privateDirectory)
  const children = runner.state(STATE.children)
  if (children) endSurvivors(children)
  await restore()
  if (!directory) return
  await recover(directory)
  await files.remove(directory)
  await files.remove(socketDirectory(directory))
}

try {
  await post()
} catch (error) {
  runner.warning('Clean-up incomplete', error instanceof Error ? error.name : 'unknown error')
}
