import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BareRepository } from './bare.ts'

export type Level = 'none' | 'read' | 'write'

export interface StoredToken {
  /** Full name of the only repository the token is for, as the token of a workflow run is. */
  repository: string
  permissions: Record<string, Level>
  bypassRules: boolean
}

export interface StoredAsset {
  id: number
  name: string
  label: string | null
  contentType: string
  /** `starter` is what is left of an upload that broke off: a name without bytes. */
  state?: 'starter'
  size: number
  sha256: string
  createdAt: string
}

export interface StoredRelease {
  id: number
  tag: string
  target: string
  name: string | null
  body: string | null
  draft: boolean
  prerelease: boolean
  createdAt: string
  publishedAt: string | null
  updatedAt: string
  assets: StoredAsset[]
}

export interface StoredRepository {
  id: number
  /** `OWNER/REPO` in the case it was created with; GitHub compares names without regard to case. */
  name: string
  ownerId: number
  private: boolean
  defaultBranch: string
  protectedTags: string[]
  createdAt: string
  releases: StoredRelease[]
}

interface State {
  nextId: number
  repositories: Record<string, StoredRepository>
  tokens: Record<string, StoredToken>
}

/**
 * Everything the sandbox's GitHub knows, below one directory: `state.json`, bare repositories, assets.
 * Each reading goes to the disk and each change is written at once, so that a server killed at any
 * moment leaves a world the next one can go on with, and two processes may look at the same world.
 */
export class World {
  readonly directory: string
  private readonly bares = new Map<string, BareRepository>()

  constructor(directory: string) {
    this.directory = directory
    mkdirSync(this.repositories, { recursive: true })
    mkdirSync(join(directory, 'assets'), { recursive: true })
  }

  get repositories(): string {
    return join(this.directory, 'repositories')
  }

  read(): State {
    try {
      const state: State = JSON.parse(readFileSync(join(this.directory, 'state.json'), 'utf8'))
      return state
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
        return { nextId: 1, repositories: {}, tokens: {} }
      }
      throw error
    }
  }

  change<T>(edit: (state: State) => T): T {
    const state = this.read()
    const result = edit(state)
    const file = join(this.directory, 'state.json')
    const draft = `${file}.${String(process.pid)}`
    writeFileSync(draft, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 })
    renameSync(draft, file)
    return result
  }

  repository(name: string): StoredRepository | undefined {
    const { repositories } = this.read()
    const key = name.toLowerCase()
    return Object.hasOwn(repositories, key) ? repositories[key] : undefined
  }

  changeRepository<T>(name: string, edit: (repository: StoredRepository) => T): T {
    return this.change((state) => {
      const repository = state.repositories[name.toLowerCase()]
      if (!repository) throw new Error(`there is no repository ${name}`)
      return edit(repository)
    })
  }

  token(value: string): StoredToken | undefined {
    const { tokens } = this.read()
    return Object.hasOwn(tokens, value) ? tokens[value] : undefined
  }

  takeId(): number {
    return this.change((state) => state.nextId++)
  }

  bare(name: string): BareRepository {
    const known = this.bares.get(name)
    if (known) return known
    const bare = new BareRepository(this.bareDirectory(name))
    this.bares.set(name, bare)
    return bare
  }

  bareDirectory(name: string): string {
    return join(this.repositories, `${name}.git`)
  }

  assetFile(id: number): string {
    return join(this.directory, 'assets', String(id))
  }
}
