/**
 * A map whose keys differ only when they differ regardless of case, like .NET's dictionaries with
 * `OrdinalIgnoreCase`; the first spelling stays. The runner keeps outputs, state and inputs in such maps.
 */
export class CaselessMap {
  private readonly entries = new Map<string, { key: string; value: string }>()

  set(key: string, value: string): void {
    const folded = key.toLowerCase()
    this.entries.set(folded, { key: this.entries.get(folded)?.key ?? key, value })
  }

  has(key: string): boolean {
    return this.entries.has(key.toLowerCase())
  }

  get(key: string): string | undefined {
    return this.entries.get(key.toLowerCase())?.value
  }

  toRecord(): Record<string, string> {
    return Object.fromEntries([...this.entries.values()].map(({ key, value }) => [key, value]))
  }
}

/** What a step leaves behind for later steps of the job. */
export interface Effects {
  outputs: CaselessMap
  /** Handed to the post step of the same action as `STATE_*`. */
  state: CaselessMap
  env: Map<string, string>
  /** Directories in the order they were added; a later one comes first in `PATH`. */
  path: string[]
}

export function noEffects(): Effects {
  return { outputs: new CaselessMap(), state: new CaselessMap(), env: new Map(), path: [] }
}

/** Adds a directory for `PATH`; adding it again moves it to the front. */
export function addPath(path: string[], directory: string): void {
  const known = path.indexOf(directory)
  if (known >= 0) path.splice(known, 1)
  path.push(directory)
}
