import path from 'node:path'
import { files } from '../world/files.ts'

const COMMIT = /^[0-9a-f]{40}([0-9a-f]{24})?$/

/**
 * The commit that is checked out around `directory`, read from git's own files: a publish job starts no program.
 * Undefined where there is no checkout up to `top`, or where it keeps its refs in another form than files.
 */
export async function headOf(directory: string, top: string): Promise<string | undefined> {
  const own = await gitDirectory(directory, top)
  if (own === undefined) return undefined
  const head = await line(own, 'HEAD')
  if (head === undefined || COMMIT.test(head)) return head
  const [, ref] = /^ref: (refs\/\S+)$/.exec(head) ?? []
  // No name of a ref has two dots, and what is above git's directory is not its business.
  if (ref === undefined || ref.includes('..')) return undefined
  // A further working tree shares its refs with the first one.
  const shared = path.resolve(own, (await line(own, 'commondir')) ?? '.')
  const found = (await line(shared, ref)) ?? (await packed(shared, ref))
  return found !== undefined && COMMIT.test(found) ? found : undefined
}

/** Git's directory for a working tree; a `.git` that is a file names it (gitrepository-layout(5)). */
async function gitDirectory(directory: string, top: string): Promise<string | undefined> {
  const within = path.relative(top, directory)
  if (path.isAbsolute(within) || within.split(path.sep).includes('..')) return undefined
  const candidate = path.join(directory, '.git')
  if (await files.isDirectory(candidate)) return candidate
  const [, named] = /^gitdir: (.+)$/.exec((await line(directory, '.git')) ?? '') ?? []
  if (named !== undefined) return path.resolve(directory, named)
  return within === '' ? undefined : gitDirectory(path.dirname(directory), top)
}

async function line(directory: string, name: string): Promise<string | undefined> {
  return (await files.answer(path.join(directory, name)))?.trim()
}

/** Of `packed-refs`: a line `COMMIT REF` for each. */
async function packed(directory: string, ref: string): Promise<string | undefined> {
  const lines = (await line(directory, 'packed-refs'))?.split('\n') ?? []
  return lines.find((one) => one.endsWith(` ${ref}`))?.split(' ')[0]
}
