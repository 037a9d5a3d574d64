import { isObject, objectAt, parseJson, stringAt } from '../json.ts'

/**
 * Everything it takes to undo a write: paths, modes and digests, never a secret. Kept as JSON in the action's state, for
 * the post step, and in the first line of the backup, for the next run where the post step was lost as well.
 */
export interface CredentialsReceipt {
  path: string
  /** Hex SHA-256 of the whole file as written. */
  writtenSha256: string
  /** In ms since 1970: of several writes of the same bytes, the last one is undone first. */
  writtenAt: number
  /**
   * The private directory of the step. It is there until the post step has ended, or until the runner has emptied
   * RUNNER_TEMP for its next job: without it, nobody will undo this write any more.
   */
  owner: string
  /** The machine that directory is on: a home may be shared by several. */
  host: string
  /** The file beside it that holds what it was before; also made where there was nothing, to say so. */
  backup: string
  /** What the file was before; absent when there was none. `mode` is the permission bits it had. */
  previous?: { sha256: string; mode: number }
  /** Outermost first. */
  createdDirectories: string[]
}

/** The receipt that a JSON text holds, or undefined where it holds none. */
export function parseReceipt(text: string): CredentialsReceipt | undefined {
  const value = parseJson(text)
  const [path, writtenSha256, owner, host, backup] = ['path', 'writtenSha256', 'owner', 'host', 'backup'].map((name) =>
    stringAt(value, name),
  )
  if (!isObject(value) || !path || !writtenSha256 || !owner || host === undefined || !backup) return undefined
  const { writtenAt, createdDirectories: created } = value
  const sha256 = stringAt(value, 'previous', 'sha256')
  const { mode } = objectAt(value, 'previous')
  return {
    path,
    writtenSha256,
    writtenAt: typeof writtenAt === 'number' ? writtenAt : 0,
    owner,
    host,
    backup,
    ...(sha256 && typeof mode === 'number' ? { previous: { sha256, mode } } : {}),
    createdDirectories: Array.isArray(created) ? created.filter((name) => typeof name === 'string') : [],
  }
}
