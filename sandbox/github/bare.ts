import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { git, tryGit } from './git.ts'

export type ObjectType = 'commit' | 'tree' | 'blob' | 'tag'

export interface Person {
  name: string
  email: string
  /** ISO 8601, in UTC. */
  date: string
}

export interface CommitObject {
  tree: string
  parents: string[]
  author: Person
  committer: Person
  message: string
}

export interface TagObject {
  object: string
  type: ObjectType
  tag: string
  tagger?: Person
  message: string
}

export interface Ref {
  ref: string
  sha: string
  type: ObjectType
}

const SHA = /^[0-9a-f]{40}$/

export function isSha(text: string): boolean {
  return SHA.test(text)
}

function isObjectType(text: string): text is ObjectType {
  return text === 'commit' || text === 'tree' || text === 'blob' || text === 'tag'
}

function objectType(text: string): ObjectType {
  if (!isObjectType(text)) throw new Error(`git named the object type ${text}`)
  return text
}

function person(line: string): Person {
  const match = /^(?<name>.*) <(?<email>.*)> (?<seconds>\d+) [+-]\d{4}$/.exec(line)
  const { name = '', email = '', seconds = '0' } = match?.groups ?? {}
  return { name, email, date: new Date(Number(seconds) * 1000).toISOString().replace('.000Z', 'Z') }
}

/** Splits a commit or tag object into its header lines and its message. */
function parsed(text: string): { headers: Map<string, string[]>; message: string } {
  const end = text.indexOf('\n\n')
  const headers = new Map<string, string[]>()
  for (const line of text.slice(0, end === -1 ? undefined : end).split('\n')) {
    const space = line.indexOf(' ')
    // Lines that begin with a space go on with a signature, which nobody here verifies.
    if (space > 0)
      headers.set(line.slice(0, space), [...(headers.get(line.slice(0, space)) ?? []), line.slice(space + 1)])
  }
  return { headers, message: end === -1 ? '' : text.slice(end + 2) }
}

interface StoredObject {
  type: ObjectType
  text: string
}

/** Names that git was asked about; its answer depends on nothing else. */
const validNames = new Map<string, boolean>()

/**
 * A bare repository through git's plumbing: what the API makes here, a clone sees, and the other way round. What cannot
 * change is asked for once: thousands of requests would otherwise start tens of thousands of processes.
 */
export class BareRepository {
  readonly directory: string
  private readonly objects = new Map<string, StoredObject>()
  private filled = false

  constructor(directory: string) {
    this.directory = directory
  }

  async refs(prefix = 'refs/'): Promise<Ref[]> {
    return await this.list(prefix, [])
  }

  /** Before the first commit; a default branch cannot be deleted again. */
  async isEmpty(): Promise<boolean> {
    this.filled ||= (await this.refs()).length > 0
    return !this.filled
  }

  async ref(name: string): Promise<Ref | undefined> {
    const loose = await this.looseRef(name)
    if (loose !== undefined) {
      this.filled = true
      return loose
    }
    if ((await textOf(join(this.directory, 'packed-refs'))) === undefined) return undefined
    // git takes the name for a glob, which finds more than the ref but never less.
    const found = await this.list(name, [name])
    return found.find(({ ref }) => ref === name)
  }

  /** gitrepository-layout(5): a ref that is not packed is a file of its name. */
  private async looseRef(ref: string): Promise<Ref | undefined> {
    if (!(await this.isValidRefName(ref))) return undefined
    const sha = (await textOf(join(this.directory, ref)))?.trim() ?? ''
    const type = await this.typeOf(sha)
    return type && { ref, sha, type }
  }

  private async list(prefix: string, patterns: string[]): Promise<Ref[]> {
    const format = '--format=%(objectname) %(objecttype) %(refname)'
    const text = await git(['for-each-ref', format, ...patterns], { cwd: this.directory })
    const all = text.split('\n').flatMap((line) => {
      const [sha, type, ref] = line.split(' ')
      return sha && type && ref ? [{ ref, sha, type: objectType(type) }] : []
    })
    return all.filter(({ ref }) => ref.startsWith(prefix))
  }

  /** Type of an object, or nothing where the repository does not hold it. */
  async typeOf(sha: string): Promise<ObjectType | undefined> {
    return (await this.object(sha))?.type
  }

  private async object(sha: string): Promise<StoredObject | undefined> {
    if (!isSha(sha)) return undefined
    const known = this.objects.get(sha)
    if (known) return known
    const { stdout } = await tryGit(['cat-file', '--batch'], { cwd: this.directory, input: `${sha}\n` })
    const answer = stdout.toString()
    const [, type] = answer.slice(0, answer.indexOf('\n')).split(' ')
    if (type === undefined || type === 'missing') return undefined
    const object = { type: objectType(type), text: answer.slice(answer.indexOf('\n') + 1, -1) }
    this.objects.set(sha, object)
    return object
  }

  /** The commit that a ref, an object's SHA or any other revision leads to, through tag objects. No options, no ranges. */
  async commitOf(revision: string): Promise<string | undefined> {
    if (isSha(revision)) return this.peeled(revision)
    if (!revision.startsWith('refs/')) return this.resolved(revision)
    const ref = await this.ref(revision)
    return ref && this.peeled(ref.sha)
  }

  private async peeled(sha: string): Promise<string | undefined> {
    const object = await this.object(sha)
    if (object?.type !== 'tag') return object?.type === 'commit' ? sha : undefined
    return this.peeled((await this.readTag(sha)).object)
  }

  private async resolved(revision: string): Promise<string | undefined> {
    const args = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${revision}^{commit}`]
    const { code, stdout } = await tryGit(args, { cwd: this.directory })
    const sha = stdout.toString().trim().split('\n').at(-1) ?? ''
    return code === 0 && isSha(sha) ? sha : undefined
  }

  async readCommit(sha: string): Promise<CommitObject> {
    const { headers, message } = parsed(await this.content('commit', sha))
    return {
      tree: headers.get('tree')?.[0] ?? '',
      parents: headers.get('parent') ?? [],
      author: person(headers.get('author')?.[0] ?? ''),
      committer: person(headers.get('committer')?.[0] ?? ''),
      message: message.replace(/\n$/, ''),
    }
  }

  async readTag(sha: string): Promise<TagObject> {
    const { headers, message } = parsed(await this.content('tag', sha))
    const tagger = headers.get('tagger')?.[0]
    return {
      object: headers.get('object')?.[0] ?? '',
      type: objectType(headers.get('type')?.[0] ?? ''),
      tag: headers.get('tag')?.[0] ?? '',
      ...(tagger === undefined ? {} : { tagger: person(tagger) }),
      message,
    }
  }

  /** Whether `commit` has files in `folder` that `base` has not, or has otherwise. */
  async changesUnder(folder: string, base: string, commit: string): Promise<boolean> {
    const from = await this.commitOf(base)
    if (from === undefined || from === commit) return false
    const options = ['--name-only', '--no-renames', '--diff-filter=AMT']
    const { stdout } = await tryGit(['diff-tree', '-r', ...options, base, commit, '--', folder], {
      cwd: this.directory,
    })
    return stdout.length > 0
  }

  /** Writes a tag object and no ref; nothing where git finds the object, its type, the name or the tagger wrong. */
  async writeTag(tag: Required<TagObject>): Promise<string | undefined> {
    const { name, email, date } = tag.tagger
    const seconds = Math.floor(Date.parse(date) / 1000)
    const who = `${name} <${email}> ${String(seconds)} +0000`
    const input = `object ${tag.object}\ntype ${tag.type}\ntag ${tag.tag}\ntagger ${who}\n\n${tag.message}`
    const { code, stdout } = await tryGit(['mktag'], { cwd: this.directory, input })
    return code === 0 ? stdout.toString().trim() : undefined
  }

  /** Creates a ref and never moves one; false where git refuses, be it only that a race was lost. */
  async createRef(ref: string, sha: string): Promise<boolean> {
    const { code } = await tryGit(['update-ref', '--', ref, sha, '0'.repeat(40)], { cwd: this.directory })
    return code === 0
  }

  async isValidRefName(ref: string): Promise<boolean> {
    const known = validNames.get(ref)
    if (known !== undefined) return known
    const { code } = await tryGit(['check-ref-format', ref])
    validNames.set(ref, code === 0)
    return code === 0
  }

  private async content(type: 'commit' | 'tag', sha: string): Promise<string> {
    const object = await this.object(sha)
    if (object?.type !== type) throw new Error(`there is no ${type} ${sha}`)
    return object.text
  }
}

/** Text of a file, if it is one. */
async function textOf(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch(() => undefined)
}
